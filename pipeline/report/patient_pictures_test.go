package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// logoFile is a small drawing with a comment behind its pixels.
func logoFile(t *testing.T, format string) []byte {
	t.Helper()
	img := image.NewPaletted(image.Rect(0, 0, 900, 300), color.Palette{color.White, color.RGBA{10, 92, 133, 255}})
	for i := range img.Pix {
		img.Pix[i] = uint8(i / 50 % 2)
	}
	var b bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&b, img)
	case "jpeg":
		err = jpeg.Encode(&b, img, nil)
	case "gif":
		err = gif.Encode(&b, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.WriteString("serial number 4711")
	return b.Bytes()
}

func TestLogoIsAPictureAndOnlyThat(t *testing.T) {
	for _, format := range []string{"png", "jpeg"} {
		page := patientOf(t, sampleSubject(), PatientOptions{Logo: logoFile(t, format)})
		m := regexp.MustCompile(`<img class="logo" src="data:image/png;base64,([^"]*)" alt="[^"]+" width="220" height="73">`).FindStringSubmatch(page)
		if m == nil {
			t.Errorf("%s: no logo of the right size", format)
			continue
		}
		if b, err := base64.StdEncoding.DecodeString(m[1]); err != nil || bytes.Contains(b, []byte("4711")) {
			t.Errorf("%s: what follows the pixels went into the page", format)
		}
	}
	whole := logoFile(t, "png")
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"text": {[]byte("no picture"), "neither PNG nor JPEG"}, "empty": {[]byte{}, "neither PNG nor JPEG"}, "svg": {[]byte(`<svg onload="alert(1)"/>`), "neither PNG nor JPEG"},
		"gif": {logoFile(t, "gif"), "neither"}, "cut": {whole[:len(whole)/2], "pixel data"},
	} {
		dir := t.TempDir()
		err := WritePatient(dir, dir, result.Subject{ID: "P1"}, PatientOptions{Logo: c.file})
		if err == nil || !strings.Contains(err.Error(), "logo") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind %v, %v", name, left, err)
		}
	}
}

func TestSamePatientPageSameBytes(t *testing.T) {
	o := PatientOptions{Lang: "de", Logo: logoFile(t, "jpeg"), Dates: true}
	if a, b := patientOf(t, sampleSubject(), o), patientOf(t, sampleSubject(), o); a != b {
		t.Error("two pages of one result differ")
	}
}

func TestPatientPageFitsIntoSixMegabytes(t *testing.T) {
	// A file of more bytes than a page may have for it, though of few pixels.
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 300, 400)), nil); err != nil {
		t.Fatal(err)
	}
	jpg := append(photo.Bytes(), make([]byte, 1_200_000)...)
	source := t.TempDir()
	if err := os.Mkdir(filepath.Join(source, "aligned"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := sampleSubject()
	first := s.Series[0]
	s.Series = nil
	for view := range 3 { // five sessions in each of three views
		series := first
		series.Visits = slices.Clone(first.Visits)
		for i := range series.Visits {
			name := fmt.Sprintf("aligned/%d-%d.jpg", view, i)
			series.Visits[i].Pictures = map[string]string{aligned: name}
			if err := os.WriteFile(filepath.Join(source, name), jpg, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.Series = append(s.Series, series)
	}
	page := patientIn(t, source, s, PatientOptions{Logo: logoFile(t, "png")})
	if len(page) > 6_000_000 || strings.Count(page, `class="photo"`) != 6 {
		t.Errorf("%d bytes, %d photos", len(page), strings.Count(page, `class="photo"`))
	}
}

func TestDegeneratePatientsGetAPage(t *testing.T) {
	one := sampleSubject()
	one.Series[0].Visits = one.Series[0].Visits[:1]
	for i := range one.Series[0].Trends {
		one.Series[0].Trends[i].Verdict = result.NotComparable
	}
	bare := sampleSubject()
	bare.Series[0].PictureMMPerPx = 0
	blind := sampleSubject()
	for i := range blind.Series[0].Visits {
		blind.Series[0].Visits[i].Pictures = nil
	}
	apart := sampleSubject()
	for i := range apart.Series[0].Visits {
		apart.Series[0].Visits[i].Comparable = false
	}
	apart.Series[0].Trends = nil
	two := sampleSubject()
	two.Series = append(two.Series, two.Series[0])
	two.Series[1].View = "left45"
	source := t.TempDir()
	writeSamplePictures(t, source, 5, 60, 80)
	for _, c := range []struct {
		name string
		s    result.Subject
		want string
	}{
		{"nothing", result.Subject{}, "patient.short_none"},
		{"empty series", result.Subject{Series: []result.Series{{View: "front"}}}, "patient.pictures_none"},
		{"one session", one, "patient_why.one_visit"},
		{"no second picture", one, "patient.pictures_one"},
		{"no scale", bare, "viewer.no_bar"},
		{"no pictures", blind, "patient.pictures_none"},
		{"not comparable", apart, "patient.pictures_differ"},
		{"two views", two, "view.left45"},
	} {
		for _, lang := range Languages() {
			page := patientIn(t, source, c.s, PatientOptions{Lang: lang, Dates: true})
			checkPage(t, page)
			if want := languages[lang][c.want]; !strings.Contains(words(t, page), want) {
				t.Errorf("%s: does not say %q", c.name, want)
			}
		}
	}
}

func TestPicturesFromOutsideAreNotShownToAPatient(t *testing.T) {
	parent := t.TempDir()
	source := filepath.Join(parent, "P001")
	writeSamplePictures(t, source, 5, 60, 80)
	writeSamplePictures(t, parent, 1, 60, 80)
	if err := os.Symlink(filepath.Join(parent, "aligned", "s0.jpg"), filepath.Join(source, "link.jpg")); err != nil {
		t.Fatal(err)
	}
	cut, err := os.ReadFile(filepath.Join(source, "aligned", "s0.jpg"))
	if err == nil {
		err = os.WriteFile(filepath.Join(source, "cut.jpg"), cut[:len(cut)/2], 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := sampleSubject()
	for _, base := range []string{"aligned/s0.jpg", "../aligned/s0.jpg", "cut.jpg"} {
		for i, path := range []string{base, filepath.Join(parent, "aligned", "s0.jpg"), "link.jpg", "cut.jpg", "absent.jpg"} {
			s.Series[0].Visits[i].Pictures = map[string]string{aligned: path}
		}
		page := patientIn(t, source, s, PatientOptions{})
		checkPage(t, page)
		want := 0
		if base == "aligned/s0.jpg" {
			want = 1
		}
		if n := strings.Count(page, `class="photo"`); n != want {
			t.Errorf("baseline %s: %d pictures, some from outside or cut", base, n)
		}
	}
}
