package consent

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// FuzzLedger opens any file as a ledger. Whatever bytes were changed in a good one,
// either an error says so, or its entries are those that were written.
func FuzzLedger(f *testing.F) {
	root := f.TempDir()
	l, err := Open(root)
	if err != nil {
		f.Fatal(err)
	}
	for range 3 {
		if _, err := l.Append(context.Background(), Entry{Kind: KindExport, Subjects: []string{"P1"}, Scope: "teaching", Note: "first"}); err != nil {
			f.Fatal(err)
		}
	}
	written, err := l.Entries(context.Background())
	if err != nil {
		f.Fatal(err)
	}
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(root, LedgerFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add([]byte("SQLite format 3\x00"))
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(bytes.ReplaceAll(good, []byte("teaching"), []byte("clinical")))
	f.Add(bytes.ReplaceAll(good, []byte("BEFORE DELETE"), []byte("AFTER  DELETE")))
	f.Fuzz(func(t *testing.T, data []byte) {
		root := t.TempDir()
		if err := os.WriteFile(filepath.Join(root, LedgerFile), data, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(root)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "ledger") {
				t.Errorf("the error does not say that it is about the ledger: %v", err)
			}
			return
		}
		defer l.Close()
		all, err := l.Entries(context.Background())
		if err != nil {
			if !strings.HasPrefix(err.Error(), "ledger") {
				t.Errorf("the error does not say that it is about the ledger: %v", err)
			}
			return
		}
		// A cut end shows only to who has kept the head, as the documentation says.
		if len(all) > 0 && (len(all) > len(written) || !reflect.DeepEqual(all, written[:len(all)])) {
			t.Errorf("%+v was never written", all)
		}
	})
}
