package export

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// FuzzLoadKey reads any file as the key of an export. What is taken for one is
// written again as a key of the same codes.
func FuzzLoadKey(f *testing.F) {
	name := filepath.Join(f.TempDir(), "key.csv")
	k := NewKey()
	k.Code("P1")
	k.view("front, \"odd\"\n")
	k.zone("nose")
	if err := k.Save(name); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(name)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-4])
	f.Add([]byte("kind,name,code\nkey,,00\n"))
	f.Add([]byte("kind,name,code\nkey,,0000000000000000000000000000000000000000000000000000000000000000\nsubject,P1,P-0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		in, out := filepath.Join(dir, "in.csv"), filepath.Join(dir, "out.csv")
		if err := os.WriteFile(in, data, 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := LoadKey(in)
		if err != nil {
			return
		}
		if err := k.Save(out); err != nil {
			t.Fatal(err)
		}
		again, err := LoadKey(out)
		if err != nil || string(again.secret) != string(k.secret) || !maps.Equal(again.codes, k.codes) {
			t.Errorf("%v: read as %v, then as %v", err, k.codes, again)
		}
	})
}
