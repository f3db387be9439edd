package files

import (
	"os"
	"path/filepath"
	"testing"
)

// A file that others could read is not one any more, and nothing is left beside it.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "table.csv")
	if err := os.WriteFile(name, []byte("older and longer"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Replace(name, []byte("abc")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode() != 0o600 || info.Size() != 3 {
		t.Errorf("%v, %v", info, err)
	}
	// The digest of "abc": FIPS 180-2, appendix B.1.
	if sum, err := Hash(name); sum != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" || err != nil {
		t.Errorf("hash %s, %v", sum, err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Replace(filepath.Join(dir, "folder"), []byte("abc")); err == nil {
		t.Error("a folder was replaced")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v", left, err)
	}
}
