package export

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Key turns names into the codes of one export. A code is a part of the
// HMAC-SHA256 of the name under 32 random bytes, so that it tells nothing without
// the key; and it is the same whenever the same key is used. The key and the table
// of codes are one file, which stays at the clinic.
//
// A Key is used by one goroutine.
type Key struct {
	secret []byte
	codes  map[keyName]string
}

type keyName struct{ kind, name string }

const keyBytes = 32

var keyHead = []string{"kind", "name", "code"}

// NewKey draws a key.
func NewKey() *Key {
	k := &Key{make([]byte, keyBytes), map[keyName]string{}}
	rand.Read(k.secret) // never fails
	return k
}

// LoadKey reads what [Key.Save] wrote. The error wraps fs.ErrNotExist where there
// is no such file.
func LoadKey(name string) (*Key, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil || len(rows) < 2 || !slices.Equal(rows[0], keyHead) || rows[1][0] != "key" {
		return nil, fmt.Errorf("%s is not a key of an export", name)
	}
	k := &Key{codes: map[keyName]string{}}
	if k.secret, err = hex.DecodeString(rows[1][2]); err != nil || len(k.secret) != keyBytes {
		return nil, fmt.Errorf("%s is not a key of an export", name)
	}
	for _, r := range rows[2:] {
		if k.code(r[0], r[1]) != r[2] {
			return nil, fmt.Errorf("%s: the code of %s %s is not of this key", name, r[0], r[1])
		}
	}
	return k, nil
}

// Save writes the key and all codes that were asked for, whole or not at all,
// readable by its owner only. It fails if two names have got one code.
func (k *Key) Save(name string) error {
	names := slices.SortedFunc(maps.Keys(k.codes), func(a, b keyName) int {
		return strings.Compare(a.kind+"\x00"+a.name, b.kind+"\x00"+b.name)
	})
	rows := [][]string{keyHead, {"key", "", hex.EncodeToString(k.secret)}}
	seen := map[string]bool{}
	for _, n := range names {
		c := k.codes[n]
		if seen[c] {
			return fmt.Errorf("two names have the code %s: export with another key", c)
		}
		seen[c] = true
		rows = append(rows, []string{n.kind, n.name, c})
	}
	var b bytes.Buffer
	// A buffer takes everything.
	_ = csv.NewWriter(&b).WriteAll(rows)
	return files.Replace(name, b.Bytes())
}

// Code is the code of a person.
func (k *Key) Code(subject string) string { return k.code("subject", subject) }

// Forget drops a person from the table of codes; false where they are not in it. Their
// code is no longer known to the key's file, though it is the same whenever the name
// is asked for again.
func (k *Key) Forget(subject string) (code string, ok bool) {
	n := keyName{"subject", subject}
	code, ok = k.codes[n]
	delete(k.codes, n)
	return code, ok
}

// views are the names that are the tool's own.
var views = []string{study.ViewFront, "left45", "right45", "left90", "right90"}

// view is the name of a view, as a code where it is the user's own.
func (k *Key) view(name string) string {
	if name == "" || slices.Contains(views, name) {
		return name
	}
	return k.code("view", name)
}

// zone is the name of a zone, as a code where it is the user's own.
func (k *Key) zone(name string) string {
	if name == "" || slices.Contains(study.ZoneNames, name) {
		return name
	}
	return k.code("zone", name)
}

// arm is the code of a group of persons or a side.
func (k *Key) arm(name string) string { return k.code("arm", name) }

// prefixes of codes start with a letter, so that no program takes one for a number.
var prefixes = map[string]string{"subject": "d", "view": "view_", "zone": "zone_", "arm": "arm_"}

func (k *Key) code(kind, name string) string {
	n := keyName{kind, name}
	c, ok := k.codes[n]
	if !ok {
		mac := hmac.New(sha256.New, k.secret)
		mac.Write([]byte(kind + "\x00" + name))
		c = prefixes[kind] + hex.EncodeToString(mac.Sum(nil)[:6])
		k.codes[n] = c
	}
	return c
}
