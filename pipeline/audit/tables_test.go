package audit

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const sample = `subject,view,session,zone,metric,value,basis,reason
P1,front,s0,nose,redness,1.5,native,
P1,front,s0,nose,redness,1.4,series,
P1,front,s1,nose,redness,,native,"a beard, it seems"
P2,front,s0,nose,redness,2,native,
P3,front,s0,nose,redness,3,native,
`

// differ compares as somebody would say it.
func differ(t *testing.T, got, want string, max int) []string {
	t.Helper()
	found, err := Tables("m.csv", strings.NewReader(got), strings.NewReader(want), max)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, d := range found {
		said = append(said, d.String())
	}
	return said
}

func TestTablesNameFileRowAndColumn(t *testing.T) {
	for _, c := range []struct {
		name     string
		old, new string // replaced in the table that is proved
		want     string
	}{
		{"one digit", "redness,1.5", "redness,1.6", `m.csv:2 (P1 front s0 nose redness native): value is "1.6", expected "1.5"`},
		{"an empty cell filled", "redness,,native", "redness,0,native", `m.csv:4 (P1 front s1 nose redness native): value is "0", expected ""`},
		{"a text", "a beard, it", "no beard, it", `m.csv:4 (P1 front s1 nose redness native): reason is "no beard, it seems", expected "a beard, it seems"`},
		{"a row less", "P2,front,s0,nose,redness,2,native,\n", "", "m.csv (P2 front s0 nose redness native): the row is missing"},
		{"the first person less", "P1,", "P0,", "m.csv:2 (P0 front s0 nose redness native): the row is one too many"},
		{"a person more", "P3,front", "P2b,front,s0,nose,redness,3,native,\nP3,front", "m.csv:6 (P2b front s0 nose redness native): the row is one too many"},
		{"a row twice", "P3,front,s0,nose,redness,3,native,\n", "P3,front,s0,nose,redness,3,native,\nP3,front,s0,nose,redness,3,native,\n", "m.csv:7 (P3 front s0 nose redness native): the row is one too many"},
		{"other line ends", "native,\nP3", "native,\r\nP3", "m.csv: the same cells in other bytes: quotes, line ends, or the order of rows"},
		{"rows of a person in another order", "P1,front,s0,nose,redness,1.5,native,\nP1,front,s0,nose,redness,1.4,series,\n", "P1,front,s0,nose,redness,1.4,series,\nP1,front,s0,nose,redness,1.5,native,\n", "m.csv: the same cells in other bytes: quotes, line ends, or the order of rows"},
		{"a column less", sample, "subject,view\nP1,front\n", "m.csv:1: the column session is missing"},
		{"a column renamed", "metric,value", "metric,worth", "m.csv:1: the column value is missing"},
		{"cut off in a row", "P3,front,s0,nose,redness,3,native,\n", "P3,fro", "m.csv:6: not a row of the table: wrong number of fields"},
		{"cut off in a quote", `seems"`, `seems`, "m.csv:4: not a row of the table: extraneous or missing \" in quoted-field"},
		{"empty", sample, "", "m.csv:1: no table"},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := strings.Replace(sample, c.old, c.new, 1)
			if changed == sample {
				t.Fatal("nothing was changed")
			}
			said := differ(t, changed, sample, 20)
			if len(said) == 0 || said[0] != c.want {
				t.Errorf("got %q, want first %q", said, c.want)
			}
		})
	}
	if said := differ(t, sample, sample, 20); len(said) > 0 {
		t.Errorf("a table differs from itself: %q", said)
	}
	if said := differ(t, strings.ReplaceAll(sample, "native", "other"), sample, 3); len(said) != 3 {
		t.Errorf("%d differences, at most 3 were asked for", len(said))
	}
}

// Any single byte that is changed, taken out or put in is found: the comparison is
// one of bytes, whatever it says of rows.
func TestTablesSeeEveryByte(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range len(sample) {
		for range 3 {
			b := []byte(sample)
			switch c := byte(" ,\"\n\r0P\xff"[rng.IntN(8)]); rng.IntN(3) {
			case 0:
				b[i] = c
			case 1:
				b = append(b[:i], b[i+1:]...)
			default:
				b = append(b[:i], append([]byte{c}, b[i:]...)...)
			}
			if string(b) == sample {
				continue
			}
			if said := differ(t, string(b), sample, 5); len(said) == 0 {
				t.Errorf("not found: byte %d of %q", i, b)
			}
		}
	}
}

// A table of any size is compared with the rows of one person in memory.
func TestTablesStream(t *testing.T) {
	var a, b strings.Builder
	for _, w := range []*strings.Builder{&a, &b} {
		fmt.Fprintln(w, "subject,session,value")
		for i := range 20000 {
			fmt.Fprintf(w, "P%05d,s0,%d\n", i, i)
		}
	}
	fmt.Fprintln(&a, "P99999,s0,1")
	said := differ(t, a.String(), b.String(), 5)
	if len(said) != 1 || said[0] != "m.csv:20002 (P99999 s0): the row is one too many" {
		t.Error(said)
	}
}
