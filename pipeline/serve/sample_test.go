package serve

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// The pictures of the sample, and the map to the baseline photo: half its size, with
// a shift.
const pictureW, pictureH = 300, 400

var toBase = [6]float64{2, 0, 100, 0, 2, 50}

// sample is a study of P001 with two sessions, and its results.
type sample struct {
	study, out string
	sum        string // SHA-256 of the baseline photo
	server     *Server
	url        string // with the token
	host       string
	client     *http.Client // has been let in
}

func newSample(t *testing.T, edit bool) *sample {
	t.Helper()
	s := &sample{study: t.TempDir(), out: t.TempDir()}
	dir := filepath.Join(s.study, "P001")
	writeFile(t, filepath.Join(dir, "series.yaml"), `subject: P001
sessions:
  - {id: s0, date: 2026-01-10, photos: [{view: front, file: a.jpg}]}
  - {id: s1, date: 2026-02-10, photos: [{view: front, file: b.jpg}]}
  - {id: s2, date: 2026-03-10, photos: [{view: front, file: c.jpg}]}
`)
	for _, name := range []string{"a.jpg", "b.jpg", "c.jpg"} { // nobody decodes them here
		writeFile(t, filepath.Join(dir, name), name)
	}
	s.sum = sumOf("a.jpg")
	s.results(t, sampleSubject(s.sum))

	o := Options{Out: s.out, Persons: func() ([]string, error) { return []string{"P001", "linked"}, nil }, StudyDir: s.study, By: "Dr. Meier", Log: os.Stderr, Words: plainWords()}
	if edit {
		o.Study = func() (*study.Study, error) { return study.Load(s.study, study.Options{}) }
	}
	s.serve(t, o)
	return s
}

// sumOf is the SHA-256 of a photo of the sample, whose content is its name.
func sumOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// results writes the results of a person, with pictures.
func (s *sample) results(t *testing.T, subject result.Subject) {
	t.Helper()
	dir := filepath.Join(s.out, subject.ID)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"aligned/front-01-s0.jpg", "aligned/front-02-s1.jpg"} {
		writePicture(t, filepath.Join(dir, name), pictureW, pictureH, color.RGBA{R: 220, G: uint8(160 - 30*i), B: 140, A: 255})
	}
	for _, name := range []string{"overlays/front-01-s0-zones.png", "overlays/front-02-s1-zones.png", "overlays/front-01-s0-redness.png"} {
		writePicture(t, filepath.Join(dir, name), pictureW, pictureH, color.RGBA{B: 90, A: 90})
	}
	writeFile(t, filepath.Join(dir, "report.html"), "<!doctype html><title>Report</title><script>document.title='ran'</script>")
	if err := result.SaveSubject(dir, subject); err != nil {
		t.Fatal(err)
	}
}

// serve starts a server and lets its client in.
func (s *sample) serve(t *testing.T, o Options) {
	t.Helper()
	var err error
	if s.server, err = Open(o); err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewUnstartedServer(nil)
	s.host = listening.Listener.Addr().String()
	listening.Config.Handler = s.server.handler(s.host)
	listening.Start()
	t.Cleanup(func() {
		listening.Close()
		s.server.Close()
	})
	s.url = listening.URL + "/?token=" + s.server.token
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.client = &http.Client{Jar: jar}
	resp, err := s.client.Get(s.url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.RawQuery != "" {
		t.Fatalf("with the token: %s at %s", resp.Status, resp.Request.URL)
	}
}

func sampleSubject(sum string) result.Subject {
	picture := func(n, session string, overlays ...string) map[string]string {
		p := map[string]string{"aligned": "aligned/front-" + n + "-" + session + ".jpg"}
		for _, o := range overlays {
			p[o] = "overlays/front-" + n + "-" + session + "-" + o + ".png"
		}
		return p
	}
	return result.Subject{ID: "P001", Study: "Trial", Series: []result.Series{{
		Subject: "P001", View: "front", PictureToBase: toBase, PictureMMPerPx: 0.2, PxPerMM: 10,
		Visits: []result.Visit{
			{Session: "s0", Date: "2026-01-10", Baseline: true, Photo: "a.jpg", Comparable: true, Pictures: picture("01", "s0", "zones", "redness")},
			{Session: "s1", Date: "2026-02-10", Day: 31, Photo: "b.jpg", Comparable: true, Reason: "light from the left", Pictures: picture("02", "s1", "zones")},
			{Session: "s2", Date: "2026-03-10", Day: 59, Photo: "c.jpg", Reason: "another face"},
		},
		Trends: []result.Trend{
			{Zone: "cheek_left", Metric: "roughness_mid", Unit: "ODx1000", Baseline: 5, Latest: 3, Change: -2, Limit: 1, Role: "primary", Verdict: result.Improved, Reason: "beyond measurement error", LatestSession: "s1"},
			{Zone: "nose", Metric: "brown_area_fraction", Unit: "percent", Baseline: 5, Latest: 7, Change: 2, Limit: 1, Role: "safety", Verdict: result.Worsened, Reason: "possible worsening, examine"},
		},
		Alignments: []result.Alignment{{Session: "s1", Photo: "b.jpg", Status: result.Caution, ResidualPctIPD: 1.5, Overlap: 0.9, Inliers: 31, Reason: "weak agreement"}},
		Rejections: []result.Rejection{{Session: "s2", Photo: "c.jpg", Stage: "align", Reason: "another face"}},
		Objects: []result.Object{
			{Session: "s0", Kind: "scar", Zone: "cheek_left", DiameterMM: 4, BaseXPx: 300, BaseYPx: 250, Status: result.OK}, // at (100, 100) of the picture
			{Session: "s1", Kind: "scar", Zone: "cheek_left", DiameterMM: 4, BaseXPx: 500, BaseYPx: 450, Status: result.OK}, // at (200, 200)
			{Session: "s0", Kind: "pore", Zone: "nose", DiameterMM: 0.3, BaseXPx: 400, BaseYPx: 350, Status: result.OK},
		},
		InputSHA256: map[string]string{"a.jpg": sum, "b.jpg": sumOf("b.jpg")},
	}}}
}

// plainWords are the words without any of the reports.
func plainWords() Words {
	return Words{
		Name:   func(_, key string) string { return strings.ReplaceAll(key, "_", " ") },
		Plain:  func(text string) string { return strings.Join(strings.Fields(text), " ") },
		Number: func(v float64) string { return result.Number(v).Cell() },
	}
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// encoded are the pictures that were made before: under the race detector each takes
// a while.
var encoded = map[string]string{}

// writePicture writes a picture of one colour with a mark in the middle.
func writePicture(t *testing.T, name string, w, h int, c color.RGBA) {
	t.Helper()
	key := fmt.Sprint(filepath.Ext(name), w, h, c)
	if _, ok := encoded[key]; !ok {
		img := image.NewRGBA(image.Rect(0, 0, w, h))
		draw.Draw(img, img.Rect, image.NewUniform(c), image.Point{}, draw.Src)
		img.Set(w/2, h/2, color.Black)
		var b strings.Builder
		err := jpeg.Encode(&b, img, nil)
		if strings.HasSuffix(name, ".png") {
			b.Reset()
			err = png.Encode(&b, img)
		}
		if err != nil {
			t.Fatal(err)
		}
		encoded[key] = b.String()
	}
	writeFile(t, name, encoded[key])
}

// get asks as the browser does that was let in.
func (s *sample) get(t *testing.T, path string) (status int, body string, header http.Header) {
	t.Helper()
	resp, err := s.client.Do(s.request(t, http.MethodGet, path, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode, read(t, resp), resp.Header
}

// request is one to the server, its path as it is, without any cleaning.
func (s *sample) request(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+s.host, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	raw, query, _ := strings.Cut(path, "?")
	plain, err := url.PathUnescape(raw)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = plain, raw, query
	return r
}

// read is the whole body of an answer.
func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
