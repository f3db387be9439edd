package report

import (
	"fmt"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// editView is what somebody decided, once for all that was decided alike on a day.
type editView struct {
	What, Who, Void string
	N               int
}

func newEditViews(edits []result.Edit) []editView {
	var list []editView
next:
	for _, e := range edits {
		day, _, _ := strings.Cut(e.At, "T")
		v := editView{What: editWords(e), Who: tell("edit.who", plain(e.By, nameRunes), plain(day, nameRunes)), Void: plain(e.Void, reasonRunes), N: 1}
		for i, o := range list {
			if o.N = 1; o == v {
				list[i].N++
				continue next
			}
		}
		list = append(list, v)
	}
	for i, v := range list {
		if v.N > 1 {
			list[i].What += fmt.Sprintf(" × %d", v.N)
		}
		if v.Void != "" {
			list[i].Void = tell("edit.void", v.Void)
		}
	}
	return list
}

// editWords says what was decided.
func editWords(e result.Edit) string {
	switch e.Kind {
	case "zone":
		return tell("edit.zone", name("zone", e.Name))
	case "exclude":
		return tell("edit.exclude", plain(e.Name, nameRunes))
	case "object":
		if e.Accept {
			return tell("edit.object_accepted", name("kind", e.Name))
		}
		return tell("edit.object_rejected", name("kind", e.Name))
	case "alignment":
		if e.Accept {
			return tell("edit.alignment_accepted", plain(e.Name, nameRunes))
		}
		return tell("edit.alignment_rejected", plain(e.Name, nameRunes))
	}
	return plain(e.Kind, nameRunes)
}
