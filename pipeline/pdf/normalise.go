package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// errLayout is returned for a file that is not as Chromium writes it: nothing is
// handed out of which it is not known what it tells.
var errLayout = errors.New("the PDF is laid out in an unknown way")

var (
	startxref = regexp.MustCompile(`startxref\s+(\d+)\s+%%EOF\s*$`)
	infoRef   = regexp.MustCompile(`/Info\s+(\d+)\s+0\s+R`)
	fileID    = regexp.MustCompile(`/ID\s*\[[^\]]*\]`)
	nodeID    = regexp.MustCompile(`\(node(\d{8})\)`)
	xrefHead  = regexp.MustCompile(`^xref\s+0\s+(\d+)[ \r\n]+`)
)

const xrefEntry = 20 // bytes, ISO 32000-1 section 7.5.4

// normalise takes out of a PDF what tells when, by what and from which page it was
// made: the document information (title, creator, producer, dates) and the file
// identifier. Each is overwritten by spaces, which mean nothing between the words
// of a PDF, so that every object stays where the cross-reference table says. The names
// of tagged elements count what the browser has laid out, which a busy machine does more
// than once: they become their ranks, so that the tree of names stays in order.
func normalise(data []byte) ([]byte, error) {
	out := bytes.Clone(data)
	m := startxref.FindSubmatch(out)
	if m == nil {
		return nil, fmt.Errorf("%w: no startxref", errLayout)
	}
	at, err := strconv.Atoi(string(m[1]))
	if err != nil || at >= len(out) {
		return nil, fmt.Errorf("%w: startxref %s", errLayout, m[1])
	}
	head := xrefHead.FindSubmatch(out[at:])
	if head == nil {
		return nil, fmt.Errorf("%w: no table at startxref", errLayout)
	}
	n, err := strconv.Atoi(string(head[1]))
	table := at + len(head[0])
	if err != nil || n > (len(out)-table)/xrefEntry {
		return nil, fmt.Errorf("%w: a table of %s objects", errLayout, head[1])
	}
	trailer := out[table+n*xrefEntry:]
	if !bytes.HasPrefix(trailer, []byte("trailer")) {
		return nil, fmt.Errorf("%w: no trailer behind the table", errLayout)
	}
	for _, id := range fileID.FindAll(trailer, -1) {
		blank(id)
	}
	offsets := make([]int, n)
	for k := range offsets {
		entry := out[table+k*xrefEntry : table+(k+1)*xrefEntry]
		if offsets[k], err = strconv.Atoi(string(entry[:10])); err != nil || offsets[k] < 0 || offsets[k] > at {
			return nil, fmt.Errorf("%w: object %d has no place", errLayout, k)
		}
	}
	for _, m := range infoRef.FindAllSubmatch(trailer, -1) {
		k, err := strconv.Atoi(string(m[1]))
		if err != nil || k >= n {
			return nil, fmt.Errorf("%w: information in object %s of %d", errLayout, m[1], n)
		}
		// The object ends where the next one begins: its own words may say anything.
		end := at
		for _, o := range offsets {
			if o > offsets[k] {
				end = min(end, o)
			}
		}
		object := bytes.TrimSpace(out[offsets[k]:end])
		body, found := bytes.CutPrefix(object, fmt.Appendf(nil, "%d 0 obj", k))
		body, ends := bytes.CutSuffix(body, []byte("endobj"))
		body = bytes.TrimSpace(body)
		if !found || !ends || !bytes.HasPrefix(body, []byte("<<")) || !bytes.HasSuffix(body, []byte(">>")) {
			return nil, fmt.Errorf("%w: object %d is no dictionary", errLayout, k)
		}
		blank(body[2 : len(body)-2])
		blank(m[0])
	}
	var names []string
	for _, m := range nodeID.FindAllSubmatch(out, -1) {
		names = append(names, string(m[1]))
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, m := range nodeID.FindAllSubmatchIndex(out, -1) {
		rank, _ := slices.BinarySearch(names, string(out[m[2]:m[3]]))
		copy(out[m[2]:m[3]], fmt.Sprintf("%08d", rank))
	}
	return out, nil
}

func blank(b []byte) {
	for i := range b {
		b[i] = ' '
	}
}
