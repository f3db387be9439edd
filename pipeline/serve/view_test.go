package serve

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// What was found stands beside the pictures: verdicts, refusals and their reasons.
func TestViewShowsWhatWasFound(t *testing.T) {
	s := newSample(t, false)
	status, body, _ := s.get(t, "/view/P001/front")
	if status != http.StatusOK {
		t.Fatal(status, body)
	}
	for _, want := range []string{
		`src="/pictures/P001/aligned/front-01-s0.jpg"`, `src="/pictures/P001/aligned/front-02-s1.jpg"`, `src="/pictures/P001/overlays/front-01-s0-redness.png"`,
		`data-overlay="zones"`, `data-overlay="redness"`, `<option value="scar">`, "weak agreement", "another face", "light from the left",
		`<span class="chip improved">improved</span>`, "beyond measurement error", "possible worsening, examine", `href="/report/P001"`, "For reading only",
		`alt="Aligned photo, Baseline s0`, `href="/view/P001/front?session=s2"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(body, `data-overlay="scars"`) || strings.Contains(body, "style=") || strings.Contains(body, "onclick") {
		t.Error("an overlay that nobody has, or what the policy of the page forbids")
	}
	if _, body, _ := s.get(t, "/view/P001/front?session=s2"); !strings.Contains(body, "no picture: another face") {
		t.Error("a session without a picture does not say why")
	}
	for _, path := range []string{"/view/P001/left45", "/view/P009/front", "/view/P001/front?session=s9", "/view/P001/front?session=s0"} {
		if status, _, _ := s.get(t, path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// The verdicts' session is shown first, and else one that can be looked at.
func TestSessionThatIsShownFirst(t *testing.T) {
	s := newSample(t, false)
	v := sampleSubject("").Series[0]
	for _, c := range []struct{ verdict, want string }{{"s1", "s1"}, {"s2", "s2"}, {"", "s1"}} {
		v.Trends[0].LatestSession = c.verdict
		visit, err := s.server.chosen(&v, "")
		if err != nil || visit.Session != c.want {
			t.Errorf("verdict on %q: %v, %v", c.verdict, visit, err)
		}
	}
	v.Visits = v.Visits[:1]
	if visit, err := s.server.chosen(&v, ""); visit != nil || err != nil {
		t.Error(visit, err)
	}
}

// Names from a manifest are text and nothing else, and hold no other text up.
func TestNamesAreText(t *testing.T) {
	s := newSample(t, false)
	evil := `"><img src=x onerror=alert(1)>'</script><script>alert(2)</script>&` + "\u202e" + strings.Repeat("x", 10000)
	id := `P"<b>'&#%?`
	subject := sampleSubject("")
	subject.ID, subject.Study = id, evil
	v := &subject.Series[0]
	v.View = `<i>"view`
	v.Visits[1].Session, v.Visits[1].Reason, v.Visits[1].Date = evil, evil, evil
	v.Objects[0].Zone, v.Objects[0].Type = evil, evil
	v.Trends[0].Zone, v.Trends[0].Reason, v.Trends[0].LatestSession = evil, evil, evil
	v.Rejections[0] = result.Rejection{Session: evil, Photo: evil, Stage: evil, Reason: evil}
	v.Notes = []string{evil}
	v.Alignments[0].Session, v.Alignments[0].Reason = evil, evil
	s.results(t, subject)
	s.server.opts.Persons = func() ([]string, error) { return []string{id}, nil }
	s.server.opts.Words.Plain = func(text string) string { return text } // as hostile as it can be
	for _, path := range []string{"/", "/view/" + url.PathEscape(id) + "/" + url.PathEscape(v.View)} {
		status, body, _ := s.get(t, path)
		if status != http.StatusOK {
			t.Fatal(path, status, body)
		}
		for _, tag := range []string{"<b>", "<i>", "<img src=x", "alert(1)>", "<script>alert", "</script><script>"} {
			if strings.Contains(body, tag) {
				t.Errorf("%s: %s is markup", path, tag)
			}
		}
		if !strings.Contains(body, "/view/P%22%3Cb%3E%27&amp;%23%25%3F/") && !strings.Contains(body, "/view/P%22%3Cb%3E%27&%23%25%3F/") {
			t.Errorf("%s: no link to the view", path)
		}
	}
	if status, _, _ := s.get(t, "/pictures/"+url.PathEscape(id)+"/aligned/front-01-s0.jpg"); status != http.StatusOK {
		t.Error("no picture:", status)
	}
}
