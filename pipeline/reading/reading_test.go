package reading

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// picture writes a JPEG with a comment that must not leave the clinic.
func picture(t *testing.T, name string, seed uint64) string {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 9))
	m := image.NewRGBA(image.Rect(0, 0, 80, 100))
	for i := 0; i < len(m.Pix); i += 4 {
		v := uint8(120 + rnd.IntN(40))
		m.Pix[i], m.Pix[i+1], m.Pix[i+2], m.Pix[i+3] = v, v-20, v-40, 255
	}
	m.Set(5, 5, color.White)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	comment := "Anna Muster, GPS 47.1"
	data := slices.Concat(b.Bytes()[:2], []byte{0xff, 0xfe, 0, byte(len(comment) + 2)}, []byte(comment), b.Bytes()[2:])
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// candidates are n persons, of whom the first has two untreated visits.
func candidates(t *testing.T, n int) []Candidate {
	t.Helper()
	dir := t.TempDir()
	var list []Candidate
	for i := range n {
		c := Candidate{Subject: fmt.Sprintf("Muster%02d", i), View: "front", Zone: "chin",
			Changes: []Change{{"chin", "roughness_mid", "percent", -float64(i)}, {"chin", "melanin_index", "log10x100", 1}, {"chin", "odd", "1", math.NaN()}}}
		for k, p := range []*Photo{&c.Before, &c.After} {
			*p = Photo{Session: fmt.Sprintf("s%d", k), Day: 90 * k, File: picture(t, filepath.Join(dir, fmt.Sprintf("%d-%d.jpg", i, k)), uint64(2*i+k)), Box: image.Rect(10, 15, 70, 85)}
		}
		if i == 0 {
			c.Untreated = &[2]Photo{{Session: "u0", File: c.Before.File, Box: c.Before.Box}, {Session: "u1", Day: 7, File: c.After.File, Box: c.After.Box}}
		}
		list = append(list, c)
	}
	return list
}

// pack writes a pack and its key.
func pack(t *testing.T, list []Candidate, o Options) (dir, key string, p Pack) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "pack")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p, k, changes, err := WritePack(dir, list, o)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{dir + "-key.csv": k, dir + "-key-metrics.csv": changes} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, dir + "-key.csv", p
}

func options(t *testing.T, scale string) Options {
	t.Helper()
	s, err := ScaleNamed(scale)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Scale: s, Seed: 1, Repeats: -1, Shams: -1, AsOf: "2026-06-01"}
}

func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	if err := filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v", name, info.Mode())
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		all[rel] = string(data)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// A pack tells nobody who is on it, in which session, or what is a repeat.
func TestPackIsBlind(t *testing.T) {
	dir, key, p := pack(t, candidates(t, 15), options(t, "vas"))
	if p != (Pack{Pairs: 15, Repeats: 3, ShamsSame: 2, ShamsUntreated: 1}) {
		t.Errorf("%+v", p)
	}
	all := tree(t, dir)
	if len(all) != 21*3+1 {
		t.Errorf("%d files", len(all))
	}
	for name, data := range all {
		text := regexp.MustCompile(`base64,[^"]*`).ReplaceAllString(data, "")
		for _, bad := range []string{"Muster", "GPS", "s0", "sham", "repeat", "front", "http:", "https:"} {
			if strings.Contains(name, bad) || !strings.HasSuffix(name, ".jpg") && strings.Contains(text, bad) {
				t.Errorf("%s holds %q", name, bad)
			}
		}
		if strings.HasSuffix(name, ".jpg") && (strings.Contains(data, "Muster") || strings.Contains(data, "GPS")) {
			t.Errorf("%s holds metadata", name)
		}
		if strings.HasSuffix(name, ".jpg") {
			c, err := jpeg.DecodeConfig(strings.NewReader(data))
			if err != nil || c.Width < 50 || c.Width > 60 {
				t.Errorf("%s: %v %v", name, c, err)
			}
		}
	}
	// The same photo twice is not the same file, and no picture is.
	seen := map[string]string{}
	for name, data := range all {
		if other, ok := seen[data]; ok && strings.HasSuffix(name, ".jpg") {
			t.Errorf("%s and %s are the same file", name, other)
		}
		seen[data] = name
	}
	k, err := LoadKey(key, dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(k.Pairs) != 21 || k.Scale.Name != "vas" {
		t.Errorf("%d pairs of %s", len(k.Pairs), k.Scale.Name)
	}
	flipped, sorted := 0, true
	for i, p := range k.Pairs {
		if p.beforePhoto == right {
			flipped++
		}
		if i > 0 && p.Subject < k.Pairs[i-1].Subject {
			sorted = false
		}
	}
	if flipped < 4 || flipped > 17 || sorted {
		t.Errorf("%d of 21 flipped, in order of subjects: %v", flipped, sorted)
	}
}

// The scale of a change has the earlier photo on the left.
func TestPairedScaleKeepsItsOrder(t *testing.T) {
	dir, key, _ := pack(t, candidates(t, 12), options(t, "gais"))
	k, err := LoadKey(key, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range k.Pairs {
		if p.beforePhoto != left || p.afterPhoto != right {
			t.Errorf("pair %s: before is %s", p.Code, p.beforePhoto)
		}
	}
}

func TestPackIsDeterministic(t *testing.T) {
	list := candidates(t, 6)
	o := options(t, "gb-qualitative")
	a, ka, _ := pack(t, list, o)
	b, kb, _ := pack(t, list, o)
	one, two := tree(t, a), tree(t, b)
	for name, data := range one {
		if two[name] != data {
			t.Errorf("%s differs", name)
		}
	}
	order := func(name string) string {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if order(ka) != order(kb) {
		t.Error("the keys differ")
	}
	// Who knows the seed and the number of persons does not know the order.
	picture(t, list[0].Before.File, 999)
	_, kc, _ := pack(t, list, o)
	if order(ka) == order(kc) {
		t.Error("the order depends on the seed only")
	}
	o.Seed = 2
	_, kd, _ := pack(t, list, o)
	if strings.ReplaceAll(order(kd), ",2,2026", ",1,2026") == order(kc) {
		t.Error("the seed does not matter")
	}
}

// Repeats lie apart from their first showing.
func TestRepeatsAreApart(t *testing.T) {
	list := make([]Candidate, 30)
	pairs := plan(list, Options{Scale: Scales[0], Repeats: 6, Shams: 6}, generator(3, nil))
	if d := nearestRepeat(pairs); d < 8 {
		t.Errorf("a repeat comes after %d pairs", d)
	}
	if len(pairs) != 42 {
		t.Errorf("%d pairs", len(pairs))
	}
}

// The maxima of the scales are those that were published.
func TestScaleLimits(t *testing.T) {
	for _, s := range Scales {
		low, high := make([]float64, len(s.Items)), make([]float64, len(s.Items))
		for i, item := range s.Items {
			low[i], high[i] = item.Low, item.High
		}
		if s.Total(low) != s.Low || s.Total(high) != s.High {
			t.Errorf("%s: %g to %g, want %g to %g", s.Name, s.Total(low), s.Total(high), s.Low, s.High)
		}
		if s.Grades > 0 && (s.grade(s.Low) != 0 || s.grade(s.High) != s.Grades-1) {
			t.Errorf("%s: grades %d to %d", s.Name, s.grade(s.Low), s.grade(s.High))
		}
	}
	ecca, err := ScaleNamed("ecca")
	// Three V, one U: 15*1... two M and the rest none: 15 + 40 + 0.
	if err != nil || ecca.Total([]float64{1, 2, 0, 0, 0, 0}) != 55 || ecca.High != 540 {
		t.Errorf("ECCA: %v %v", ecca.Total([]float64{1, 2, 0, 0, 0, 0}), err)
	}
	if _, err := ScaleNamed("best"); err == nil || !strings.Contains(err.Error(), "gb-quantitative") {
		t.Errorf("unknown scale: %v", err)
	}
}

// fill scores a pack: score says what a reader gives a pair's photo.
func fill(t *testing.T, dir, reader string, k Key, score func(p KeyPair, role string) string) string {
	t.Helper()
	rows := [][]string{k.Scale.columns()}
	for _, p := range k.Pairs {
		for _, photo := range k.Scale.photos() {
			role := after
			if photo == p.beforePhoto {
				role = before
			}
			rows = append(rows, []string{p.Code, photo, score(p, role), ""})
		}
	}
	name := filepath.Join(dir, reader+".csv")
	if err := os.WriteFile(name, table(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// find is a figure of the analysis.
func find(t *testing.T, a Analysis, what, reader, measure string) Figure {
	t.Helper()
	for _, f := range a.Figures {
		if f.What == what && f.Reader == reader && f.Measure == measure {
			return f
		}
	}
	t.Fatalf("no figure %s %s %s in %+v", what, reader, measure, a.Figures)
	return Figure{}
}

// A reader who sees what is there has no false rate and agrees with the metric; one
// who flatters the later photo has; one who always says the same has no agreement
// to compute.
func TestUnblind(t *testing.T) {
	dir, key, _ := pack(t, candidates(t, 20), options(t, "vas"))
	k, err := LoadKey(key, dir)
	if err != nil {
		t.Fatal(err)
	}
	severity := func(p KeyPair, role string) float64 {
		var n float64
		fmt.Sscanf(p.Subject, "Muster%02f", &n)
		if p.Kind.sham() || role == before {
			return 40 + n
		}
		return 40 + n - 2*n // the higher the number, the larger the gain
	}
	out := t.TempDir()
	good := fill(t, out, "good", k, func(p KeyPair, role string) string { return fmt.Sprint(severity(p, role)) })
	flatters := fill(t, out, "flatters", k, func(p KeyPair, role string) string {
		if role == after {
			return fmt.Sprint(max(0, severity(p, role)-15))
		}
		return fmt.Sprint(severity(p, role))
	})
	same := fill(t, out, "same", k, func(p KeyPair, role string) string {
		if p.Code == "001" {
			return ""
		}
		return "50"
	})
	var sheets []Sheet
	for _, name := range []string{good, flatters, same} {
		s, err := LoadSheet(name, k)
		if err != nil {
			t.Fatal(err)
		}
		sheets = append(sheets, s)
	}
	if sheets[2].Missing != 2 || sheets[0].Missing != 0 {
		t.Errorf("missing: %d and %d", sheets[2].Missing, sheets[0].Missing)
	}
	changes, err := LoadChanges(strings.TrimSuffix(key, ".csv") + "-metrics.csv")
	if err != nil || len(changes) != 40 {
		t.Fatalf("%d changes, %v", len(changes), err)
	}
	a, err := Analyse(k, sheets, changes)
	if err != nil {
		t.Fatal(err)
	}
	if f := find(t, a, "sham", "good", "false_improvement_rate"); f.Value != 0 || f.N != 4 {
		t.Errorf("good reader: %+v", f)
	}
	if f := find(t, a, "sham", "flatters", "false_improvement_rate"); f.Value != 1 || f.N != 4 || f.Low < 0.3 {
		t.Errorf("flattering reader: %+v", f) // of 4: Clopper & Pearson from 0.398
	}
	if f := find(t, a, "sham", "flatters", "false_worsening_rate"); f.Value != 0 {
		t.Errorf("flattering reader: %+v", f)
	}
	// The gain is 2n: at least a step of 10 from n = 5 on, 15 of 20.
	if f := find(t, a, "change", "good", "improvement_rate"); f.Value != 0.75 || f.N != 20 {
		t.Errorf("improvements: %+v", f)
	}
	if f := find(t, a, "intra", "same", "icc_2_1"); f.Reason == "" || !math.IsNaN(f.Value) {
		t.Errorf("constant reader: %+v", f)
	}
	if f := find(t, a, "intra", "good", "icc_2_1"); f.Value != 1 || f.N != 8 || f.Reason == "" { // four pairs, two photos each
		t.Errorf("steady reader: %+v", f)
	}
	if f := find(t, a, "inter", "all", "icc_2_1"); f.N < 38 || f.Reason != "" {
		t.Errorf("between readers: %+v", f)
	}
	if len(a.Metrics) != 2 {
		t.Fatalf("%d metrics", len(a.Metrics))
	}
	rough, melanin := a.Metrics[0], a.Metrics[1]
	if rough.Metric != "roughness_mid" || rough.Rho < 0.95 || rough.Same != rough.Of || rough.Of != 19 { // one did not change at all
		t.Errorf("roughness: %+v", rough)
	}
	if melanin.Of != 0 || melanin.Reason == "" { // always the same change, no better or worse
		t.Errorf("melanin: %+v", melanin)
	}
	summary := string(a.Summary())
	for _, want := range []string{"same: 54 scores, 2 missing", "flatters", "false improvement rate", "lower bounds", "roughness_mid"} {
		if !strings.Contains(summary, want) {
			t.Errorf("the summary does not say %q:\n%s", want, summary)
		}
	}
	for _, f := range a.Files() {
		if strings.Contains(string(f.Data), "NaN") || strings.Contains(string(f.Data), "Inf") {
			t.Errorf("%s: not a number", f.Name)
		}
	}
}

// Grades: two readers a grade apart on every photo, one of them steady.
func TestUnblindGrades(t *testing.T) {
	dir, key, _ := pack(t, candidates(t, 12), options(t, "gb-qualitative"))
	k, err := LoadKey(key, dir)
	if err != nil {
		t.Fatal(err)
	}
	grade := func(p KeyPair, role string) int {
		n := int(p.Subject[len(p.Subject)-1]-'0') % 3
		if role == after && !p.Kind.sham() {
			return max(1, n)
		}
		return n + 1
	}
	out := t.TempDir()
	var sheets []Sheet
	for reader, shift := range map[string]int{"a": 0, "b": 1} {
		s, err := LoadSheet(fill(t, out, reader, k, func(p KeyPair, role string) string { return fmt.Sprint(grade(p, role) + shift) }), k)
		if err != nil {
			t.Fatal(err)
		}
		sheets = append(sheets, s)
	}
	slices.SortFunc(sheets, func(a, b Sheet) int { return strings.Compare(a.Reader, b.Reader) })
	a, err := Analyse(k, sheets, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f := find(t, a, "intra", "a", "kappa_quadratic"); math.Abs(f.Value-1) > 1e-9 {
		t.Errorf("steady reader: %+v", f)
	}
	f := find(t, a, "inter", "a-b", "kappa_quadratic")
	if f.N != 24 || f.Value <= 0 || f.Value >= 0.9 {
		t.Errorf("a grade apart: %+v", f)
	}
	if _, err := Analyse(k, []Sheet{sheets[0], sheets[0]}, nil); err == nil {
		t.Error("the same reader twice")
	}
}

// Everything that is wrong with a sheet is said at once, with its line.
func TestSheetErrors(t *testing.T) {
	dir, key, _ := pack(t, candidates(t, 4), options(t, "gb-qualitative"))
	k, err := LoadKey(key, dir)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) string {
		name := filepath.Join(t.TempDir(), "r.csv")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	_, err = LoadSheet(write("pair,photo,grade,remark\n001,left,5,\n001,left,2,\n,,,\n999,left,2,\n002,middle,2,\n003,left,two,\n003,right,2.5,\n004,left,NaN,\n"), k)
	for _, want := range []string{
		`r.csv:2: grade "5": expected a whole number from 1 to 4`,
		"r.csv:3: pair 001, photo left: is there already in line 2",
		`r.csv:5: pair "999", photo "left": the pack does not have it`, `r.csv:6: pair "002", photo "middle"`,
		`r.csv:7: grade "two"`, `r.csv:8: grade "2.5"`, `r.csv:9: grade "NaN"`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	// As a spreadsheet of another country saves it: byte order mark, semicolons, 1
	// for 001, empty columns at the end.
	s, err := LoadSheet(write("\ufeffpair;photo;grade;remark;;\r\n1;Left;2;good;;\r\n1;right;;cannot see;;\r\n"), k)
	if err != nil || s.of("001", left) != 2 || !math.IsNaN(s.of("001", right)) || s.Missing != len(k.Pairs)*2-1 {
		t.Errorf("%v %+v", err, s)
	}
	for _, text := range []string{"", "pair,photo,score,remark\n", "pair,photo,grade,remark\n001,left\n", "pair,photo,grade,remark\n\"001"} {
		if _, err := LoadSheet(write(text), k); err == nil || !strings.Contains(err.Error(), "r.csv") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A key of another pack is refused.
func TestKeyBelongsToItsPack(t *testing.T) {
	dir, _, _ := pack(t, candidates(t, 4), options(t, "vas"))
	_, other, _ := pack(t, candidates(t, 5), options(t, "vas"))
	if _, err := LoadKey(other, dir); err == nil || !strings.Contains(err.Error(), "is not the key of") {
		t.Errorf("%v", err)
	}
	broken := filepath.Join(t.TempDir(), "key.csv")
	if err := os.WriteFile(broken, []byte(strings.Join(keyColumns, ",")+"\n001,left,before,pair,,P,front,,s0,0,vas,1,2026-01-01\n001,left,after,pair,,P,front,,s1,9,vas,1,2026-01-01\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKey(broken, dir); err == nil || !strings.Contains(err.Error(), "one photo before and one after") {
		t.Errorf("%v", err)
	}
}

// Pictures that cannot be shown are named.
func TestBadPictures(t *testing.T) {
	list := candidates(t, 3)
	list[1].After.Box = image.Rect(0, 0, 10, 10)
	if _, _, _, err := WritePack(t.TempDir(), list, options(t, "vas")); err == nil || !strings.Contains(err.Error(), "1-1.jpg") {
		t.Errorf("%v", err)
	}
	list[1].After.File = "missing.jpg"
	if _, _, _, err := WritePack(t.TempDir(), list, options(t, "vas")); err == nil || !strings.Contains(err.Error(), "missing.jpg") {
		t.Errorf("%v", err)
	}
	if _, _, _, err := WritePack(t.TempDir(), nil, options(t, "vas")); err == nil {
		t.Error("an empty pack")
	}
}
