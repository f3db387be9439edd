package serve

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// edits are those that the study has now.
func (s *sample) edits(t *testing.T) []study.Edit {
	t.Helper()
	st, err := study.Load(s.study, study.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return st.Subjects[0].Edits
}

// equal compares what two edits say, places within a tolerance in pixels.
func equal(a, b study.Edit, tolerance float64) bool {
	near := func(p, q study.Point) bool { return math.Hypot(p.X-q.X, p.Y-q.Y) <= tolerance }
	outlines := func(p, q study.Polygon) bool {
		if len(p) != len(q) {
			return false
		}
		for i := range p {
			if !near(p[i], q[i]) {
				return false
			}
		}
		return true
	}
	switch {
	case a.Zone != nil && b.Zone != nil:
		return a.Zone.Name == b.Zone.Name && outlines(a.Zone.Outline, b.Zone.Outline)
	case a.Exclude != nil && b.Exclude != nil:
		return a.Exclude.Name == b.Exclude.Name && outlines(a.Exclude.Outline, b.Exclude.Outline)
	case a.Object != nil && b.Object != nil:
		return a.Object.Kind == b.Object.Kind && a.Object.Accept == b.Object.Accept && near(a.Object.At, b.Object.At)
	case a.Alignment != nil && b.Alignment != nil:
		return *a.Alignment == *b.Alignment
	}
	return false
}

// post sends an edit as the page does.
func (s *sample) post(t *testing.T, path, body string, change func(*http.Request)) (status int, answer string) {
	t.Helper()
	r := s.request(t, http.MethodPost, path, body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "http://"+s.host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if change != nil {
		change(r)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode, read(t, resp)
}

func (s *sample) reject(x int) string {
	return fmt.Sprintf(`{"photo_sha256":%q,"object":{"kind":"scar","x":%d,"y":250,"accept":false}}`, s.sum, x)
}

// Whoever is not the page is not believed, whatever they send.
func TestEditsOfOthersAreRefused(t *testing.T) {
	s := newSample(t, true)
	const path = "/edits/P001/front"
	good := s.reject(300)
	for name, c := range map[string]struct {
		path, body string
		change     func(*http.Request)
		want       int
	}{
		"a form of another site": {path, good, func(r *http.Request) {
			r.Header.Set("Origin", "https://evil.example")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Content-Type", "text/plain")
		}, 403},
		"another site that sends JSON":  {path, good, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"another port of this machine":  {path, good, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
		"another origin, old browser":   {path, good, func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "http://evil.example") }, 403},
		"a sandbox":                     {path, good, func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "null") }, 403},
		"another host":                  {path, good, func(r *http.Request) { r.Host = "evil.example" }, 421},
		"the token instead of a cookie": {path + "?token=" + s.server.token, good, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: s.server.cookieName(), Value: "x"}) }, 403},
		"a form of this page":           {path, good, func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 415},
		"no JSON":                       {path, "kind=scar", nil, 400},
		"something else":                {path, strings.Replace(good, `"object"`, `"by":"me","object"`, 1), nil, 400},
		"two edits":                     {path, good + good, nil, 400},
		"too much":                      {path, `{"zone":{"name":"` + strings.Repeat("x", editBytes) + `"}}`, nil, 413},
		"nothing":                       {path, fmt.Sprintf(`{"photo_sha256":%q}`, s.sum), nil, 422},
		"two things":                    {path, strings.Replace(good, `"object"`, `"alignment":{"session":"s1","accept":true},"object"`, 1), nil, 422},
		"an unknown kind":               {path, strings.Replace(good, "scar", "tattoo", 1), nil, 422},
		"a place that is none":          {path, strings.Replace(good, "300", "-400", 1), nil, 422},
		"an unknown zone":               {path, fmt.Sprintf(`{"photo_sha256":%q,"zone":{"name":"ear","outline":[[0,0],[90,0],[0,90]]}}`, s.sum), nil, 422},
		"an outline that crosses":       {path, fmt.Sprintf(`{"photo_sha256":%q,"zone":{"name":"nose","outline":[[0,0],[90,90],[90,0],[0,90]]}}`, s.sum), nil, 422},
		"a name over lines":             {path, fmt.Sprintf(`{"photo_sha256":%q,"exclude":{"name":"a\nby: b","outline":[[0,0],[90,0],[0,90]]}}`, s.sum), nil, 422},
		"a name that turns":             {path, fmt.Sprintf(`{"photo_sha256":%q,"exclude":{"name":"a\u202eb","outline":[[0,0],[90,0],[0,90]]}}`, s.sum), nil, 422},
		"a session that is not there":   {path, fmt.Sprintf(`{"photo_sha256":%q,"alignment":{"session":"s9","accept":true}}`, s.sum), nil, 409},
		"the baseline's alignment":      {path, fmt.Sprintf(`{"photo_sha256":%q,"alignment":{"session":"s0","accept":true}}`, s.sum), nil, 409},
		"another photo":                 {path, strings.Replace(good, s.sum, strings.Repeat("0", 64), 1), nil, 409},
		"nobody":                        {"/edits/P009/front", good, nil, 404},
		"a way out":                     {"/edits/..%2fP001/front", good, nil, 404},
		"another view":                  {"/edits/P001/left45", good, nil, 404},
		"by asking for it":              {path, "", func(r *http.Request) { r.Method = http.MethodGet }, 405},
	} {
		status, answer := s.post(t, c.path, c.body, c.change)
		if status != c.want {
			t.Errorf("%s: %d %s, want %d", name, status, answer, c.want)
		}
		if status >= 400 && strings.TrimSpace(answer) == "" {
			t.Errorf("%s: no reason", name)
		}
	}
	if _, err := os.Lstat(filepath.Join(s.study, "P001", study.EditsFile)); err == nil {
		t.Error("something was recorded")
	}
	fresh := newSample(t, true)
	fresh.client.Jar = nil
	for _, cookie := range []string{"", "x", fresh.server.token} {
		status, _ := fresh.post(t, path, fresh.reject(300), func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: fresh.server.cookieName(), Value: cookie})
		})
		if status != http.StatusForbidden {
			t.Errorf("cookie %q: %d", cookie, status)
		}
	}
	if _, err := os.Lstat(filepath.Join(fresh.study, "P001", study.EditsFile)); err == nil {
		t.Error("something was recorded without the cookie")
	}
	reading := newSample(t, false)
	if status, _ := reading.post(t, path, reading.reject(300), nil); status != http.StatusNotFound {
		t.Errorf("a page for reading only took an edit: %d", status)
	}
}

// An edit holds for the photo that was looked at: where the study has another one by
// now, it is refused, and the page says so.
func TestEditOfAStalePhoto(t *testing.T) {
	s := newSample(t, true)
	photo := filepath.Join(s.study, "P001", "a.jpg")
	writeFile(t, photo, "another")
	status, answer := s.post(t, "/edits/P001/front", s.reject(300), nil)
	if status != http.StatusConflict || !strings.Contains(answer, "a.jpg") {
		t.Errorf("%d %s", status, answer)
	}
	if _, body, _ := s.get(t, "/view/P001/front"); !strings.Contains(body, "Nothing can be edited: the study has changed since these results") || strings.Contains(body, "editor.js") {
		t.Error("the page does not say that nothing can be edited")
	}
	writeFile(t, photo, "a.jpg") // it is back
	if status, answer := s.post(t, "/edits/P001/front", s.reject(300), nil); status != http.StatusNoContent {
		t.Errorf("%d %s", status, answer)
	}
	// So does a word on an alignment, for the session's photo that was looked at.
	accept := fmt.Sprintf(`{"photo_sha256":%q,"alignment":{"session":"s1","accept":true}}`, s.sum)
	writeFile(t, filepath.Join(s.study, "P001", "b.jpg"), "another")
	if status, answer := s.post(t, "/edits/P001/front", accept, nil); status != http.StatusConflict || !strings.Contains(answer, "it was replaced") {
		t.Errorf("%d %s", status, answer)
	}
	writeFile(t, filepath.Join(s.study, "P001", "b.jpg"), "b.jpg")
	if status, answer := s.post(t, "/edits/P001/front", accept, nil); status != http.StatusNoContent {
		t.Errorf("%d %s", status, answer)
	}
	// A run in the meantime, with another baseline photo: the page that is still open
	// shows the old one.
	s.results(t, sampleSubject(strings.Repeat("1", 64)))
	if status, _ := s.post(t, "/edits/P001/front", s.reject(300), nil); status != http.StatusConflict {
		t.Errorf("the results are of another photo: %d", status)
	}
	// A study that cannot be read takes nothing and loses nothing.
	s.results(t, sampleSubject(s.sum))
	file := filepath.Join(s.study, "P001", study.EditsFile)
	was, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, file, string(was)+"what is this\n")
	if status, _ := s.post(t, "/edits/P001/front", s.reject(300), nil); status < 400 {
		t.Errorf("edits that cannot be read: %d", status)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != string(was)+"what is this\n" {
		t.Errorf("the file was changed: %s", now)
	}
}

// Two readers at once lose nothing, in two programs neither.
func TestTwoWritersAtOnce(t *testing.T) {
	s := newSample(t, true)
	other := &sample{study: s.study, out: s.out, sum: s.sum}
	other.serve(t, s.server.opts)
	const each = 4
	var wg sync.WaitGroup
	for i, writer := range []*sample{s, other, s} {
		wg.Go(func() {
			for k := range each {
				if status, answer := writer.post(t, "/edits/P001/front", s.reject(1000*i+k), nil); status != http.StatusNoContent {
					t.Errorf("%d %s", status, answer)
				}
				if status, _, _ := writer.get(t, "/"); status != http.StatusOK { // who reads meanwhile
					t.Error(status)
				}
			}
		})
	}
	wg.Wait()
	seen := map[float64]bool{}
	for _, e := range s.edits(t) {
		seen[e.Object.At.X] = true
	}
	if len(seen) != 3*each {
		t.Errorf("%d of %d edits", len(seen), 3*each)
	}
}

// The page tells which edits the results know, which wait for the next run, and
// which were taken back.
func TestEditsAreToldWithWhatBecameOfThem(t *testing.T) {
	s := newSample(t, true)
	post := func(body string) {
		t.Helper()
		if status, answer := s.post(t, "/edits/P001/front", strings.Replace(body, "{", fmt.Sprintf(`{"photo_sha256":%q,`, s.sum), 1), nil); status != http.StatusNoContent {
			t.Fatal(status, answer)
		}
	}
	post(`{"zone":{"name":"nose","outline":[[10,10],[90,10],[10,90]]}}`)
	post(`{"zone":{"name":"nose","outline":[[10,10],[95,10],[10,90]]}}`)
	post(`{"object":{"kind":"scar","x":304,"y":250,"accept":false}}`)
	_, body, _ := s.get(t, "/view/P001/front")
	for what, n := range map[string]int{"replaced or taken back later": 1, "holds from the next run on": 2, "<bdi>Dr. Meier</bdi></td>": 3, `"rejected":true`: 1, "from before 2 changes": 1} {
		if got := strings.Count(body, what); got != n {
			t.Errorf("%q is there %d times, want %d", what, got, n)
		}
	}
	if _, body, _ = s.get(t, "/"); !strings.Contains(body, "<td><strong>2</strong></td>") {
		t.Error("the first page does not tell of the edits that wait")
	}
	// As a run would leave it.
	subject := sampleSubject(s.sum)
	v := &subject.Series[0]
	for _, e := range s.edits(t)[1:] {
		row := result.Edit{By: e.By, At: e.At.UTC().Format("2006-01-02T15:04:05Z"), Kind: "zone", Name: "nose", X: result.None(), Y: result.None()}
		if e.Object != nil {
			row.Kind, row.Name, row.X, row.Y = "object", "scar", result.Number(e.Object.At.X), result.Number(e.Object.At.Y)
		}
		v.Edits = append(v.Edits, row)
	}
	s.results(t, subject)
	if _, body, _ = s.get(t, "/view/P001/front"); strings.Contains(body, "from before") || strings.Contains(body, "from the next run on") || strings.Count(body, "<td>holds</td>") != 2 {
		t.Error("edits that the results know are told as if they waited")
	}
	if _, body, _ = s.get(t, "/"); strings.Contains(body, "<strong>") {
		t.Error("the first page tells of edits that do not wait")
	}
	// A run that has found nothing at its place.
	v.Edits[1].Void = "no scar is found at this place"
	s.results(t, subject)
	if _, body, _ = s.get(t, "/view/P001/front"); !strings.Contains(body, "<td>not applied: no scar is found at this place</td>") {
		t.Error("an edit without effect is told as if it held")
	}
	v.Edits[1].Void, v.Objects[0].Status = "", result.Refused
	s.results(t, subject)
	if _, body, _ = s.get(t, "/view/P001/front"); strings.Count(body, `"rejected":true`) != 1 {
		t.Error("an object that the run has left out is shown as if it counted")
	}
	post(`{"object":{"kind":"scar","x":304,"y":250,"accept":true}}`)
	if _, body, _ = s.get(t, "/view/P001/front"); !strings.Contains(body, "from before a change of the edits") || strings.Contains(body, `"rejected":true`) {
		t.Error("an edit that was taken back is not told")
	}
}

// Whoever is to accept an alignment that was refused sees the photo, and of the study
// nothing else.
func TestRefusedPhotoIsShownAsTaken(t *testing.T) {
	s := newSample(t, true)
	_, body, _ := s.get(t, "/view/P001/front?session=s2")
	for _, want := range []string{`src="/photos/P001/front/s2"`, "NOT aligned", "another face", "Alignment of session <bdi>s2</bdi>"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
	if status, body, h := s.get(t, "/photos/P001/front/s2"); status != http.StatusOK || body != "c.jpg" || h.Get("Content-Type") != "image/jpeg" {
		t.Errorf("%d %q %v", status, body, h)
	}
	for _, path := range []string{"/photos/P001/front/s9", "/photos/P001/left45/s2", "/photos/P009/front/s2", "/photos/P001/front/..%2fs2", "/photos/P001/front/c.jpg", "/photos/..%2fP001/front/s2"} {
		if status, _, _ := s.get(t, path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	photo := filepath.Join(s.study, "P001", "c.jpg")
	secret := filepath.Join(t.TempDir(), "secret.jpg")
	writeFile(t, secret, "secret")
	if err := errors.Join(os.Remove(photo), os.Symlink(secret, photo)); err != nil {
		t.Fatal(err)
	}
	if status, body, _ := s.get(t, "/photos/P001/front/s2"); status == http.StatusOK || body == "secret" {
		t.Errorf("a link out of the study: %d %s", status, body)
	}
	reading := newSample(t, false)
	if status, _, _ := reading.get(t, "/photos/P001/front/s2"); status != http.StatusNotFound {
		t.Errorf("without a study: %d", status)
	}
}
