package report

import (
	"reflect"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

func TestEditsAreListed(t *testing.T) {
	s := sampleSubject()
	pore := result.Edit{By: "Dr. Meier", At: "2026-11-21T14:03:00Z", Kind: "object", Name: "pore", X: 10, Y: 20}
	other := pore
	other.X, other.At = 99, "2026-11-21T15:00:00Z"
	s.Series[0].Edits = []result.Edit{
		pore, {By: `<b>"Zoë"`, At: "2026-11-21T14:03:00Z", Kind: "exclude", Name: "<script>naevus</script>"}, other,
		{By: "Dr. Meier", At: "2026-11-22T14:03:00Z", Kind: "alignment", Name: "s3", Accept: true, Void: "only weak agreement can be accepted"},
		{By: "Dr. Meier", At: "2026-11-22T14:03:00Z", Kind: "zone", Name: "cheek_left"},
	}
	want := []editView{
		{"Rejected: pore × 2", "Dr. Meier, 2026-11-21", "", 2},
		{"Area that does not count: <script>naevus</script>", `<b>"Zoë", 2026-11-21`, "", 1},
		{"Alignment accepted, session s3", "Dr. Meier, 2026-11-22", "Not applied: only weak agreement can be accepted", 1},
		{"Zone drawn anew: left cheek", "Dr. Meier, 2026-11-22", "", 1},
	}
	if got := newEditViews(s.Series[0].Edits); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	page := write(t, s)
	for _, text := range []string{"Rejected: pore × 2", "&lt;script&gt;naevus", "&lt;b&gt;", "Not applied: only weak"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not show %q", text)
		}
	}
	if strings.Contains(page, "<script>naevus") {
		t.Error("the name of an area is read as HTML")
	}
}
