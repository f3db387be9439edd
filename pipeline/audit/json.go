package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// JSON compares two JSON texts value by value and gives the first differences, at
// most max; the row of a difference is the path of the value. Texts of the same values
// that are written in other bytes are different, too.
func JSON(file string, got, want []byte, max int) []Difference {
	t := &tables{file: file, max: max}
	if bytes.Equal(got, want) {
		return nil
	}
	var values [2]any
	for i, text := range [][]byte{got, want} {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber() // numbers are compared as they are written
		if err := d.Decode(&values[i]); err != nil {
			t.add(Difference{Got: fmt.Sprintf("not JSON: %v", err)})
			return t.found
		}
	}
	t.values("", values[0], values[1])
	if len(t.found) == 0 {
		t.add(Difference{Got: "the same values in other bytes: spaces, the order of keys, or the way numbers are written"})
	}
	return t.found
}

func (t *tables) values(path string, got, want any) {
	if len(t.found) >= t.max {
		return
	}
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		keys := slices.AppendSeq(slices.Collect(maps.Keys(w)), maps.Keys(g))
		slices.Sort(keys)
		for _, k := range slices.Compact(keys) {
			t.values(path+"/"+k, member(g, k), member(w, k))
		}
		return
	case []any:
		g, ok := got.([]any)
		if !ok {
			break
		}
		for i := range max(len(g), len(w)) {
			t.values(fmt.Sprintf("%s/%d", path, i), element(g, i), element(w, i))
		}
		return
	}
	if x, y := text(got), text(want); x != y {
		t.add(Difference{Row: path, Column: "value", Got: x, Want: y})
	}
}

// missing stands for a value that is not there.
type missing struct{}

func member(m map[string]any, k string) any {
	if v, ok := m[k]; ok {
		return v
	}
	return missing{}
}

func element(l []any, i int) any {
	if i < len(l) {
		return l[i]
	}
	return missing{}
}

// text is a value as it is shown, cut to a line.
func text(v any) string {
	if v == (missing{}) {
		return "nothing"
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(data) > 200 {
		data = append(data[:197:197], "..."...)
	}
	return string(data)
}
