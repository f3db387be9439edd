package pipeline

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/export"
)

// TestForget: after an erasure no file below the folders names the person or shows them
// under a code that a key there still tells, but those of somebody else, which are
// listed; other persons' lines and files stay.
func TestForget(t *testing.T) {
	home := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(home, name)
		check(t, os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o600))
	}
	key := export.NewKey()
	p1, p2 := key.Code("P1"), key.Code("P2")
	check(t, os.MkdirAll(filepath.Join(home, "share"), 0o700), key.Save(filepath.Join(home, "share", "ex-key.csv")), key.Save(filepath.Join(home, "share", "given-key.csv")),
		key.Save(filepath.Join(home, "share", "later-key.csv")))
	write("share/ex/measurements.csv", "subject,value\n"+p1+",1\n"+p2+",2\n")
	write("share/ex/measurements.parquet", "PAR1")
	write("share/ex/exclusions.csv", "reason,subjects\n")
	write("share/given/"+p1+"/report.html", "x")
	write("share/given/"+p2+"/report.html", "x")
	write("share/later/measurements.csv", "subject,value\n"+p2+",2\n") // exported again without them
	write("share/later/measurements.parquet", "PAR1")
	pack := "pair,photo,role,kind,repeat_of,subject,view,zone,session,day,scale,seed,as_of\n001,left,before,pair,,%,front,,s0,0,gais,1,2026-06-01\n"
	write("packs/one-key.csv", strings.Replace(pack, "%", "P1", 1))
	write("packs/one-key-metrics.csv", "pair,zone,metric,unit,change\n")
	write("packs/one/scores.csv", "pair,photo,grade,remark\n")
	write("packs/two-key.csv", strings.Replace(pack, "%", "P2", 1))
	write("packs/two/scores.csv", "pair,photo,grade,remark\n")
	write("read/readings.csv", "pair,kind,repeat_of,subject,view,zone,session_before,session_after,reader,score_before,score_after,improvement\n001,pair,,P1,front,,s0,s1,anna,,,2\n")
	write("read/reliability.csv", "what,reader\n")
	write("mine/letter.txt", "Dear P1, ")
	write("mine/other.txt", "P10, XP1, P1-a and P1b are others")
	write("study/P1/series.yaml", "subject: P1\n")

	traces, err := Forget(t.Context(), "P1", []string{home}, filepath.Join(home, "study", "P1"))
	check(t, err)
	var listed []string
	for _, x := range traces {
		if _, err := os.Stat(x.Path); !x.Deleted {
			rel, _ := filepath.Rel(home, x.Path)
			listed = append(listed, rel)
		} else if err == nil && !strings.HasSuffix(x.Path, "-key.csv") {
			t.Errorf("%s is said to be deleted", x.Path)
		}
	}
	slices.Sort(listed)
	if want := []string{"mine/letter.txt", "share/later/measurements.parquet"}; !slices.Equal(listed, want) {
		t.Errorf("listed %q, want %q", listed, want)
	}
	for name, text := range folder(t, home) {
		if strings.Contains(text, p1) || strings.Contains(text, ",P1,") {
			t.Errorf("%s still shows P1: %s", name, text)
		}
	}
	for name, want := range map[string]bool{
		"share/ex/measurements.csv": false, "share/ex/measurements.parquet": false, "share/ex/exclusions.csv": true,
		"share/given/" + p1: false, "share/given/" + p2 + "/report.html": true, "share/later/measurements.csv": true, "share/later/measurements.parquet": true,
		"packs/one": false, "packs/one-key.csv": false, "packs/one-key-metrics.csv": false, "packs/two/scores.csv": true, "packs/two-key.csv": true,
		"read/readings.csv": false, "read/reliability.csv": true, "mine/letter.txt": true, "mine/other.txt": true, "study/P1/series.yaml": true,
	} {
		if _, err := os.Stat(filepath.Join(home, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	left, err := export.LoadKey(filepath.Join(home, "share", "ex-key.csv"))
	check(t, err)
	if _, ok := left.Forget("P2"); !ok || left.Code("P1") != p1 {
		t.Error("the key lost another person, or is another key")
	}
}

// TestForgetNumbers: a name of digits is one in a column of persons only, or it would
// be found in every table; and the results of a run are not touched.
func TestForgetNumbers(t *testing.T) {
	out := cohortFolder(t, 2)
	before := folder(t, out)
	check(t, os.WriteFile(filepath.Join(out, "list.csv"), []byte("subject,arm\n92,A\n"), 0o600))
	traces, err := Forget(t.Context(), "92", []string{out})
	if err != nil || len(traces) != 1 || filepath.Base(traces[0].Path) != "list.csv" || traces[0].Deleted {
		t.Errorf("%+v, %v", traces, err)
	}
	for name, text := range before {
		if folder(t, out)[name] != text {
			t.Errorf("%s was changed", name)
		}
	}
}
