package reading

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// reads calls load with a file of the given content and fails if an error does not
// name it, or the pack's.
func reads(t *testing.T, data []byte, load func(name string) error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "r.csv")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := load(name); err != nil && !strings.Contains(err.Error(), "r.csv") && !strings.Contains(err.Error(), scoreFile) {
		t.Errorf("the error names no file: %v", err)
	}
}

func FuzzKey(f *testing.F) {
	head := strings.Join(keyColumns, ",") + "\n"
	pack := f.TempDir()
	if err := os.WriteFile(filepath.Join(pack, scoreFile), table([][]string{mustScale(f, "vas").columns(), {"001", left, "", ""}}), 0o600); err != nil {
		f.Fatal(err)
	}
	for _, rows := range []string{
		"", "001,left,before,pair,,P,front,,s0,0,vas,1,2026-01-01\n001,right,after,pair,,P,front,,s1,9,vas,1,2026-01-01\n",
		"001,left,before,pair,,P,front,,s0,0,vas,1,2026-01-01\n001,left,after,pair,,P,front,,s1,9,vas,1,2026-01-01\n",
		"001,left,before,repeat,002,P,front,,s0,0,vas,1,2026-01-01\n001,right,after,repeat,002,P,front,,s1,9,vas,1,2026-01-01\n", "\"",
	} {
		f.Add([]byte(head + rows))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		reads(t, data, func(name string) error {
			k, err := LoadKey(name, pack)
			if err != nil {
				return err
			}
			for _, p := range k.Pairs {
				if p.beforePhoto == p.afterPhoto || p.beforePhoto == "" || p.afterPhoto == "" {
					t.Errorf("a pair of one photo: %+v", p)
				}
			}
			return nil
		})
	})
}

func FuzzSheet(f *testing.F) {
	k := Key{Scale: mustScale(f, "gb-qualitative"), Pairs: []KeyPair{{Code: "001", Kind: True, beforePhoto: left, afterPhoto: right}, {Code: "002", Kind: Repeat, Of: "001", beforePhoto: right, afterPhoto: left}}}
	head := strings.Join(k.Scale.columns(), ",") + "\n"
	for _, rows := range []string{"001,left,5,\n001,left,2,\n,,,\n999,left,2,\n", "001,left,2,good\n001,right,3,\n002,left,,\n", "003,left,NaN,\n", "\"001"} {
		f.Add([]byte(head + rows))
		f.Add([]byte("\ufeff" + strings.ReplaceAll(head+rows, ",", ";")))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		reads(t, data, func(name string) error {
			s, err := LoadSheet(name, k)
			if err != nil {
				return err
			}
			if s.Missing < 0 || s.Missing+len(s.scores) > 2*len(k.Pairs) {
				t.Errorf("%d scores and %d missing of %d", len(s.scores), s.Missing, 2*len(k.Pairs))
			}
			for at, v := range s.scores {
				if !(v >= 1 && v <= 4) {
					t.Errorf("%v has the score %v", at, v)
				}
			}
			return nil
		})
	})
}

func mustScale(f *testing.F, name string) Scale {
	f.Helper()
	s, err := ScaleNamed(name)
	if err != nil {
		f.Fatal(err)
	}
	return s
}
