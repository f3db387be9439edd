package audit

import (
	"bytes"
	"encoding/csv"
	"slices"
	"testing"
)

// FuzzTables compares any file with any table: they differ exactly where their bytes
// do.
func FuzzTables(f *testing.F) {
	f.Add([]byte(sample), []byte(sample))
	f.Add([]byte(sample), []byte(sample[:len(sample)/2]))
	f.Add([]byte("subject\n"), []byte("subject\r\n"))
	f.Add([]byte("a,b\n\"x"), []byte(""))
	f.Fuzz(func(t *testing.T, got, want []byte) {
		if rows, err := csv.NewReader(bytes.NewReader(want)).ReadAll(); err != nil || len(rows) == 0 || len(slices.Compact(slices.Sorted(slices.Values(rows[0])))) < len(rows[0]) {
			return // not a table that the program writes
		}
		found, err := Tables("t.csv", bytes.NewReader(got), bytes.NewReader(want), 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > 3 || (len(found) == 0) != bytes.Equal(got, want) {
			t.Errorf("%q and %q: %v", got, want, found)
		}
	})
}
