package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// file builds a PDF of the given objects, numbered from 1, with a trailer.
func file(trailer string, objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	var offsets []int
	for i, o := range objects {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	at := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n%s\nstartxref\n%d\n%%%%EOF\n", trailer, at)
	return b.Bytes()
}

const info = "<</Title (Anna >> endobj 9)\n/Producer (P)\n/CreationDate (D:20261121120601+00'00')>>"

func TestInformationAndIdentifierAreTakenOut(t *testing.T) {
	in := file("<</Size 3\n/Root 2 0 R\n/Info 1 0 R\n/ID [<AB12> <CD34>]>>", info, "<</Type /Catalog>>")
	out, err := normalise(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != len(in) {
		t.Fatalf("%d bytes became %d: the table is off", len(in), len(out))
	}
	for _, gone := range []string{"Anna", "Producer", "CreationDate", "/Info", "AB12", "endobj 9"} {
		if bytes.Contains(out, []byte(gone)) {
			t.Errorf("%q is still there:\n%s", gone, out)
		}
	}
	for i := range in {
		if in[i] != out[i] && out[i] != ' ' {
			t.Fatalf("byte %d became %q", i, out[i])
		}
	}
	if !bytes.Contains(out, []byte("2 0 obj\n<</Type /Catalog>>")) || !bytes.Contains(out, []byte("/Root 2 0 R")) {
		t.Errorf("more was taken out:\n%s", out)
	}
	again, err := normalise(out)
	if err != nil || !bytes.Equal(again, out) {
		t.Errorf("normalising twice: %v", err)
	}
}

// A browser that has laid out a page twice counts on: the names of elements are their
// ranks, in the tree of names too, which stays in order.
func TestElementsAreNamedByRank(t *testing.T) {
	element := func(second, first int) []byte {
		return file("<</Size 4 /Root 2 0 R /Info 1 0 R>>", info, fmt.Sprintf("<</ID (node%08d)>>", second),
			fmt.Sprintf("<</Names [(node%08d) 4 0 R (node%08d) 2 0 R]>>", first, second))
	}
	want, err := normalise(element(2, 1))
	if err != nil {
		t.Fatal(err)
	}
	got, err := normalise(element(518, 515))
	if err != nil || !bytes.Equal(got, want) || !bytes.Contains(got, []byte("[(node00000000) 4 0 R (node00000001) 2 0 R]")) {
		t.Errorf("%v:\n%s\nand\n%s", err, got, want)
	}
}

// What cannot be read is not handed out.
func TestUnknownLayoutIsRefused(t *testing.T) {
	good := string(file("<</Size 3 /Root 2 0 R /Info 1 0 R>>", info, "<</Type /Catalog>>"))
	for name, bad := range map[string]string{
		"empty":            "",
		"cut":              good[:len(good)-9],
		"another place":    strings.Replace(good, "startxref\n", "startxref\n1", 1),
		"stream of xref":   strings.Replace(good, "xref\n0 3", "7 0 obj ", 1),
		"table too long":   strings.Replace(good, "xref\n0 3", "xref\n0 9", 1),
		"info beyond":      strings.Replace(good, "/Info 1", "/Info 8", 1),
		"info elsewhere":   strings.Replace(good, "0000000009", "0000000011", 1),
		"info no dict":     string(file("<</Size 3 /Root 2 0 R /Info 1 0 R>>", "(Anna)", "<</Type /Catalog>>")),
		"offset no number": strings.Replace(good, "0000000009", "00000000xx", 1),
	} {
		if _, err := normalise([]byte(bad)); !errors.Is(err, errLayout) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	f.Add(file("<</Size 3 /Root 2 0 R /Info 1 0 R>>", info, "<</Type /Catalog>>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := normalise(data)
		if err == nil && len(out) != len(data) {
			t.Errorf("%d bytes became %d", len(data), len(out))
		}
	})
}
