package pipeline

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// A session whose replicates differ in sharpness is compared at the softer one: the
// mean over both must not look smoother than the baseline.
func TestReplicatesOfUnequalSharpness(t *testing.T) {
	if underRace {
		t.Skip("needs several large renders")
	}
	soft := shoot(t, "soft", func(s *fixtures.Shot) { s.Yaw, s.Roll, s.BlurPx = 0.5, -2, 1.0 })
	s := seriesOf(t, study.ViewFront, [][]byte{straight(t), again(t)}, func(p *study.Subject) {
		if err := os.WriteFile(filepath.Join(p.Dir, "soft.jpg"), soft, 0o600); err != nil {
			t.Fatal(err)
		}
		p.Sessions[1].Photos = append(p.Sessions[1].Photos, study.Photo{View: study.ViewFront, File: "soft.jpg"})
	})
	r := run(t, s, t.TempDir())
	for _, x := range r.Trends {
		if x.Role == "primary" && (x.Verdict == result.Improved || x.Verdict == result.Worsened) {
			t.Errorf("%s of %s %s: %v to %v, limit %v, with unchanged skin", x.Metric, x.Zone, x.Verdict, x.Baseline, x.Latest, x.Limit)
		}
	}
	seen := map[string]bool{}
	for _, m := range r.Measurements {
		key := strings.Join([]string{m.Session, m.Photo, m.Zone, m.Metric, m.Basis}, "|")
		if seen[key] {
			t.Fatalf("two rows of %s", key)
		}
		seen[key] = true
	}
}

// Making the reference skin of two photos equal must not move what is relative to
// it: the change in redness is the same natively and matched, whatever the camera's
// white balance.
func TestEqualisedReferenceKeepsRedness(t *testing.T) {
	warm := shoot(t, "warm", func(s *fixtures.Shot) { s.RedGain, s.BlueGain, s.EV = 1.12, 0.93, 0.2 })
	r := run(t, seriesOf(t, study.ViewFront, [][]byte{straight(t), warm}, nil), t.TempDir())
	value := map[string]float64{}
	for _, m := range r.Measurements {
		if m.Metric == "erythema_index" && m.Value.Known() {
			value[m.Session+m.Zone+m.Basis] = float64(m.Value)
		}
	}
	zones := 0
	for _, zone := range study.ZoneNames {
		native := value["b"+zone+"native"] - value["a"+zone+"native"]
		matched, ok := value["b"+zone+"pair:b"]
		if !ok {
			continue
		}
		zones++
		if d := matched - value["a"+zone+"pair:b"] - native; math.Abs(d) > 0.05 {
			t.Errorf("%s: matching moved the change of the index by %.3f", zone, d)
		}
		if math.Abs(native) > 0.5 {
			t.Errorf("%s: the white balance moved the relative index by %.2f", zone, native)
		}
	}
	if zones < 3 {
		t.Errorf("redness of %d zones", zones)
	}
}

// Where the photo of the baseline is lost, another one must not stand in for it in
// silence.
func TestLostBaseline(t *testing.T) {
	s := seriesOf(t, study.ViewFront, [][]byte{nil, straight(t), again(t)}, nil)
	r := run(t, s, t.TempDir())
	for _, x := range r.Trends {
		if x.Verdict != result.NotComparable || !strings.Contains(x.Reason, "baseline a has no usable photo") {
			t.Fatalf("%s of %s: %s, %q", x.Metric, x.Zone, x.Verdict, x.Reason)
		}
	}
	if len(r.Trends) == 0 {
		t.Error("no rows that say so")
	}
	rows, err := CarryPoints(context.Background(), DefaultConfig(), s, []study.Point{{X: 400, Y: 500}}, func(string, string) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range rows {
		if p.X.Known() || !strings.Contains(p.Reason, "the baseline photo cannot be used") {
			t.Errorf("session %s: the point is carried to %v, %v (%q)", p.Session, p.X, p.Y, p.Reason)
		}
	}
	if len(rows) != 3 {
		t.Errorf("%d rows for 3 sessions", len(rows))
	}
}
