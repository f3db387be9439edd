package validate

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// A pair that differs by 2 has an SEM of sqrt 2, hence sqrt 2 SEM = 2, times t.
func TestSmallestOfPairs(t *testing.T) {
	pair := func(of string, a, b float64) group { return group{of, []float64{a, b}} }
	for _, c := range []struct {
		groups []group
		want   float64
		n, df  int
	}{
		{[]group{pair("a", 9, 11)}, 12.7062 * 2, 2, 1},
		{[]group{pair("a", 9, 11), pair("b", 3, 1)}, 4.30265 * 2, 4, 2},
		// Two zones of one pair of photos are not two pairs.
		{[]group{pair("a", 9, 11), pair("a", 3, 1)}, 12.7062 * 2, 4, 1},
		{[]group{pair("a", 9, 11), {"b", []float64{5}}}, 12.7062 * 2, 2, 1},
	} {
		got, ok := smallest(c.groups)
		if !ok || math.Abs(got.sdc-c.want) > 1e-3 || got.n != c.n || got.df != c.df {
			t.Errorf("%v: %+v %v, want %v of %d with %d", c.groups, got, ok, c.want, c.n, c.df)
		}
	}
	if _, ok := smallest([]group{pair("a", 5, 5)}); ok {
		t.Error("an error from equal values")
	}
}

// A smallest detectable change is passed by 5 % of changes on unchanged skin, also
// where errors have heavy tails.
func TestSmallestHoldsItsLevel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	normal := func() float64 { return r.NormFloat64() }
	// One photo in eight is ten times worse: 1.96 SD of all is passed by more than 5 %.
	heavy := func() float64 {
		if r.IntN(8) == 0 {
			return 10 * r.NormFloat64()
		}
		return r.NormFloat64()
	}
	for _, tails := range []struct {
		name string
		draw func() float64
	}{{"normal", normal}, {"heavy", heavy}} {
		pairs := func(n int) (out []group) {
			for i := range n {
				out = append(out, group{fmt.Sprint(i), []float64{tails.draw(), tails.draw()}})
			}
			return out
		}
		// Of so many a share of 5 % is known to 0.2 points, here and below.
		d, _ := smallest(pairs(20000))
		beyond := 0
		for _, g := range pairs(20000) {
			if math.Abs(g.values[0]-g.values[1]) >= d.sdc {
				beyond++
			}
		}
		if p := float64(beyond) / 20000; p > 0.058 || p < 0.03 && tails.name == "normal" {
			t.Errorf("%s: %.3f of changes pass", tails.name, p)
		}
	}
}

// nullOf is a series whose roughness at the nose changed by d per cent.
func nullOf(seed uint64, pxPerMM, d float64, status result.Status) Findings {
	c := mildCase(seed, "light", "none")
	c.PxPerMM = pxPerMM
	return Findings{Case: c, Version: "1.2.3", Settings: "abc", OpenCV: "4.6.0", PxPerMM: result.Number(pxPerMM), Visible: []string{"nose"}, Changes: []Change{
		{Zone: "nose", Metric: "roughness_mid", Role: "primary", Status: status, Comparable: true, Base: 20, Delta: result.Number(20 * d / 100), SDC: result.None()},
		{Zone: "chin", Metric: "roughness_mid", Role: "primary", Status: status, Comparable: true, Base: 10, Delta: 0.01, SDC: result.None()},
		{Zone: "nose", Metric: "scar_contrast", Role: "primary", Base: result.None(), Delta: result.None(), SDC: result.None(), Verdict: result.NotComparable}}}
}

func rowOf(t *testing.T, table result.SDCTable, zone string, status result.Status, band float64) result.SDCRow {
	t.Helper()
	for _, r := range table.Rows {
		if r.Metric == "roughness_mid" && r.Zone == zone && r.Status == status && r.PxPerMM == band {
			return r
		}
	}
	t.Fatalf("no row %q %q from %v px/mm in\n%s", zone, status, band, WriteSDC(table))
	return result.SDCRow{}
}

func TestSDCTable(t *testing.T) {
	var all []Findings
	for i := range uint64(12) {
		all = append(all, nullOf(2*i+1, 22, 2, result.OK), nullOf(2*i+1, 22, 5, result.Caution), nullOf(2*i+2, 22, 90, result.OK))
		all[len(all)-2].Case.Level = full
	}
	all = append(all, nullOf(1, 8, 4, result.OK), nullOf(3, 8, -4, result.Caution))
	table := SDCTable(all)
	back, err := result.ParseSDC(WriteSDC(table), "sdc.csv")
	if err != nil || back.Name != "dermatrend validate 1.2.3" || len(back.Rows) != len(table.Rows) {
		t.Fatalf("%s: %d rows of %d, %v", back.Name, len(back.Rows), len(table.Rows), err)
	}
	if head := strings.Join(back.Head, "\n"); !strings.Contains(head, "settings abc, OpenCV 4.6.0") || !strings.Contains(head, "seeds 1 3 5 7 9 11 13 15 17 19 21 23;") || !strings.Contains(head, "nuisance 0.5 1;") {
		t.Errorf("head\n%s", head)
	}
	// Twelve pairs that differ by 2 and 5 %: t is 2.17881. The even seeds, with 90 %,
	// have no part in it. The chin changes by 0.1 %, which makes all zones together
	// less: the nose has its own rows.
	for status, d := range map[result.Status]float64{result.OK: 2, result.Caution: 5} {
		if r := rowOf(t, back, "nose", status, 18); math.Abs(r.SDC-2.17881*d) > 1e-3 || r.N != 24 || r.DF != 12 || r.Source != result.PhotoErrorOnly {
			t.Errorf("%s: %+v", status, r)
		}
		if r := rowOf(t, back, "", status, 18); math.Abs(r.SDC-2.17881*math.Sqrt((d*d+0.01)/2)) > 1e-3 || r.N != 48 || r.DF != 12 {
			t.Errorf("%s, all zones: %+v", status, r)
		}
	}
	// Two pairs are too few for rows by status or zone.
	if r := rowOf(t, back, "", "", 5); r.DF != 2 {
		t.Errorf("at 8 px/mm %+v", r)
	}
	if n := len(back.Rows); n != 5 {
		t.Errorf("%d rows, want 5: nothing of chin or scars\n%s", n, WriteSDC(table))
	}
}

// A zone that errs less than the others has a lower limit only where many pairs say
// so, and each skin tone.
func TestLowerLimitOfAZone(t *testing.T) {
	table := func(pairs int, dark float64) result.SDCTable {
		var all []Findings
		for i := range pairs {
			f := nullOf(uint64(2*i+1), 22, 2, result.OK)
			if i < 7 {
				f.Case.Tone, f.Changes[1].Delta = "dark", result.Number(dark)
			}
			all = append(all, f)
		}
		return SDCTable(all)
	}
	limit := func(table result.SDCTable, zone string) float64 {
		r, _ := table.Find("roughness_mid", zone, result.OK, 22)
		return r.SDC
	}
	// Twenty pairs of the chin differ by 0.1 %: t is 2.08596, and 2.36462 of the seven
	// of dark skin.
	many := table(20, 0.01)
	if got := limit(many, "chin"); math.Abs(got-2.36462*0.1) > 1e-3 {
		t.Errorf("limit of the chin %v", got)
	}
	// Dark skin errs by 1 % there: its own limit holds.
	if got := limit(table(20, 0.1), "chin"); math.Abs(got-2.36462) > 1e-3 {
		t.Errorf("limit of the chin where dark skin errs more: %v", got)
	}
	few := table(lowerDF-1, 0.01)
	if got, whole := limit(few, "chin"), limit(few, "perioral"); got != whole {
		t.Errorf("of %d pairs the chin has a limit of %v, all zones %v", lowerDF-1, got, whole)
	}
	// Of twelve pairs of dark skin only five show the chin, and one of those only with
	// caution.
	var unsure []Findings
	for i := range 40 {
		f := nullOf(uint64(2*i+1), 22, 2, result.OK)
		if i < 12 {
			f.Case.Tone = "dark"
			if i == 0 {
				f.Changes[1].Status = result.Caution
			}
			if i > 4 {
				f.Changes[1].Delta = result.None()
			}
		}
		unsure = append(unsure, f)
	}
	if got, whole := limit(SDCTable(unsure), "chin"), limit(SDCTable(unsure), "perioral"); got != whole {
		t.Errorf("dark skin says little of the chin, which has a limit of %v, all zones %v", got, whole)
	}
	// With ten that show it, nine with caution and off by 1.5 %, it says enough: the limit
	// is that of dark skin (t of ten is 2.22814), also of pairs that are ok.
	for i := range 10 {
		unsure[i].Changes[1].Delta = result.Number(0.15)
		if i > 0 {
			unsure[i].Changes[1].Status = result.Caution
		}
	}
	if got := limit(SDCTable(unsure), "chin"); math.Abs(got-2.22814*1.5) > 0.02 {
		t.Errorf("limit of the chin where dark skin errs more, with caution: %v", got)
	}
	if got, whole := limit(many, "nose"), limit(many, "perioral"); got <= whole {
		t.Errorf("the nose, which errs most, has a limit of %v, all zones %v", got, whole)
	}
}

// Caution is never better than ok, whatever a few values say.
func TestCautionIsNeverBetter(t *testing.T) {
	var all []Findings
	for i := range uint64(12) {
		all = append(all, nullOf(2*i+1, 22, 5, result.OK), nullOf(2*i+1, 22, 2, result.Caution))
		all[len(all)-1].Case.Level = full
	}
	table := SDCTable(all)
	for _, zone := range []string{"", "nose"} {
		ok, _ := table.Find("roughness_mid", zone, result.OK, 22)
		caution, _ := table.Find("roughness_mid", zone, result.Caution, 22)
		if caution.SDC < ok.SDC || ok.SDC == 0 {
			t.Errorf("%q: caution %v, ok %v", zone, caution.SDC, ok.SDC)
		}
	}
}

// Of real and rendered photos the larger error holds, for each status.
func TestRealPhotosInTheTable(t *testing.T) {
	var all []Findings
	for i := range uint64(12) {
		all = append(all, nullOf(2*i+1, 3.5, 3, result.OK))
		real := nullOf(2*i+1, 3.4, 7, result.Caution)
		real.Case.Nuisance, real.Case.PxPerMM = RealPhotos, 0
		all = append(all, real)
	}
	all[1].Changes = all[1].Changes[:1]
	table := SDCTable(all)
	for _, status := range []result.Status{result.OK, result.Caution} {
		if r, _ := table.Find("roughness_mid", "nose", status, 3.5); math.Abs(r.SDC-2.17881*7) > 1e-3 {
			t.Errorf("%s: %+v", status, r)
		}
	}
	if !slices.ContainsFunc(table.Head, func(s string) bool { return strings.HasPrefix(s, "12 pairs of real photos") }) {
		t.Errorf("head %q", table.Head)
	}
}

// Persons of a real study are dealt in the order of their names.
func TestReal(t *testing.T) {
	person := func(id string) result.Subject {
		row := func(zone string, status result.Status, session string) result.Measurement {
			return result.Measurement{Zone: zone, Metric: "roughness_mid", Basis: "pair:s1", Session: session, Status: status}
		}
		return result.Subject{ID: id, Version: "1", Series: []result.Series{{Subject: id, View: "front", PxPerMM: 3.4,
			Visits:        []result.Visit{{Session: "s0", Baseline: true}, {Session: "s1"}},
			Comparability: []result.Check{{Session: "s0", Check: "clipping"}, {Session: "s1", Check: "yaw", Status: result.Caution}},
			Measurements:  []result.Measurement{row("nose", result.OK, "s0"), row("nose", result.Caution, "s1"), row("chin", result.OK, "s0"), row("chin", result.OK, "s1")},
			Trends: []result.Trend{
				{Zone: "nose", Metric: "roughness_mid", Role: "primary", Baseline: 10, Change: -1, ChangePct: -10, SDC: 2, Verdict: result.NoDetectableChange, LatestSession: "s1"},
				{Zone: "chin", Metric: "roughness_mid", Role: "primary", Baseline: 10, Change: 1, ChangePct: 10, SDC: 2, Verdict: result.NotComparable, LatestSession: "s1"}}}}}
	}
	got := Real([]result.Subject{person("b"), person("a")})
	if len(got) != 2 || !got[0].Case.Makes() || got[1].Case.Makes() || !got[0].Case.Null() || got[0].Case.Name() == got[1].Case.Name() {
		t.Fatalf("%+v", got)
	}
	nose, chin := got[0].Changes[0], got[0].Changes[1]
	if nose.Status != result.Caution || nose.Measured != -10 || chin.Status != result.OK || chin.Comparable || chin.Measured.Known() || chin.Delta != 1 {
		t.Errorf("nose %+v, chin %+v", nose, chin)
	}
	if len(got[0].Checks) != 1 || got[0].Failed()[0] != "yaw" || len(got[0].Visible) != 2 {
		t.Errorf("checks %v, visible %v", got[0].Checks, got[0].Visible)
	}
}

// A study's own photos: two of the baseline, another untreated day, and one after
// the treatment.
func TestReplicates(t *testing.T) {
	treated := 30
	row := func(session, photo, zone string, day int, since *int, v float64) result.Measurement {
		return result.Measurement{Session: session, Photo: photo, Zone: zone, Metric: "erythema_index", Basis: result.BasisSeries, Day: day, DaysSinceTreatment: since, Value: result.Number(v), Status: result.OK}
	}
	native, refused := row("s0", "a", "nose", 0, nil, 500), row("s0", "c", "nose", 0, nil, 900)
	native.Basis, refused.Status = result.BasisNative, result.Refused
	person := result.Subject{Version: "1.2.3", Settings: "abc", Series: []result.Series{{Measurements: []result.Measurement{
		row("s0", "a", "nose", 0, nil, 9), row("s0", "b", "nose", 0, nil, 11), native, refused,
		row("s0", "a", "chin", 0, nil, 4), row("s0", "b", "chin", 0, nil, 6),
		row("s1", "d", "chin", 7, nil, 8), row("s2", "e", "chin", 15, nil, 99), row("s3", "f", "chin", 12, &treated, 99)}}}}
	got, err := Replicates([]result.Subject{person})
	if err != nil || got.Sessions != 1 || got.Days != 1 {
		t.Fatalf("%d sessions, %d series of days, %v", got.Sessions, got.Days, err)
	}
	table := string(WriteSDC(got.Table))
	if back, err := result.ParseSDC([]byte(table), "sdc.csv"); err != nil || len(back.Rows) != 2 {
		t.Errorf("%d rows, %v", len(back.Rows), err)
	}
	// The first photo of each day of the chin: 4 and 8, a variance of 8; its replicates
	// 4 and 6 are of one day and left out. The nose has only those, 9 and 11. The chin
	// alone makes the row of all zones.
	for _, want := range []string{
		fmt.Sprintf("\nerythema_index,%s,,2,1,full,,0\n", result.Number(12.7062047364*math.Sqrt2*math.Sqrt(8)).Cell()),
		fmt.Sprintf("\nerythema_index,%s,nose,2,1,photo_error_only,,0\n", result.Number(12.7062047364*math.Sqrt2*math.Sqrt2).Cell()),
		"# name: own replicates, dermatrend validate 1.2.3\n", "1 sessions with several photos, 1 series", "settings abc"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	person.Series[0].Measurements = person.Series[0].Measurements[:1]
	if _, err := Replicates([]result.Subject{person}); !errors.Is(err, ErrNoReplicates) {
		t.Errorf("one photo: %v", err)
	}
}

// Where the manifest records a treatment without its days, nobody knows which days are
// untreated but the baselines that it names.
func TestTreatedOnUnknownDays(t *testing.T) {
	row := func(session string, day int, v float64) result.Measurement {
		return result.Measurement{Session: session, Photo: session, Zone: "nose", Metric: "erythema_index", Basis: result.BasisSeries, Day: day, Value: result.Number(v), Status: result.OK}
	}
	person := result.Subject{TreatedZones: []string{"nose"}, Series: []result.Series{{
		Visits:       []result.Visit{{Session: "s0", Baseline: true}, {Session: "s1", Day: 7}},
		Measurements: []result.Measurement{row("s0", 0, 9), row("s1", 7, 11)}}}}
	if got, err := Replicates([]result.Subject{person}); !errors.Is(err, ErrNoReplicates) {
		t.Errorf("%+v, %v", got, err)
	}
	person.Series[0].Visits[1].Baseline = true
	if got, err := Replicates([]result.Subject{person}); err != nil || got.Days != 1 {
		t.Errorf("two baselines: %+v, %v", got, err)
	}
}

// Two sessions of one day are not two days: without another day there is no full
// error.
func TestSessionsOfOneDay(t *testing.T) {
	row := func(session string, day int, v float64) result.Measurement {
		return result.Measurement{Session: session, Photo: session, Zone: "nose", Metric: "erythema_index", Basis: result.BasisSeries, Day: day, Value: result.Number(v), Status: result.OK}
	}
	person := result.Subject{Series: []result.Series{{Measurements: []result.Measurement{row("morning", 0, 9), row("evening", 0, 11)}}}}
	if got, err := Replicates([]result.Subject{person}); !errors.Is(err, ErrNoReplicates) {
		t.Errorf("%+v, %v", got, err)
	}
	person.Series[0].Measurements = append(person.Series[0].Measurements, row("later", 7, 10))
	got, err := Replicates([]result.Subject{person})
	if err != nil || got.Days != 1 || len(got.Table.Rows) != 1 || got.Table.Rows[0].N != 2 || got.Table.Rows[0].Source != result.FullError {
		t.Errorf("%+v, %v", got, err)
	}
}
