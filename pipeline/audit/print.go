package audit

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// head is that of the one table for all that a bridge says: about tells which of the
// columns are filled.
var head = []string{"about", "subject", "view", "session", "photo", "zone", "name", "unit",
	"values", "changed", "lost", "gained", "median_difference", "median_abs", "p95_abs", "median_abs_sdc", "p95_abs_sdc",
	"first", "second", "why"}

// WriteCSV writes all of it as one table; the column about is metric, object,
// verdict, photo, left_out or person.
func (b *Bridge) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write(head) // an error stays in the writer
	n := strconv.Itoa
	add := func(about string, cells map[string]string) {
		rec := []string{about}
		for _, c := range head[1:] {
			rec = append(rec, cells[c])
		}
		_ = out.Write(rec)
	}
	for _, m := range b.Metrics() {
		add("metric", map[string]string{"name": m.Metric, "unit": m.Unit, "values": n(m.Values), "changed": n(m.Changed), "lost": n(m.Lost), "gained": n(m.Gained),
			"median_difference": m.Median.Cell(), "median_abs": m.MedianAbs.Cell(), "p95_abs": m.P95Abs.Cell(), "median_abs_sdc": m.MedianSDC.Cell(), "p95_abs_sdc": m.P95SDC.Cell()})
	}
	for _, o := range b.Objects {
		add("object", map[string]string{"name": o.Kind, "values": n(o.Both), "lost": n(o.Lost), "gained": n(o.Gained), "first": n(o.First), "second": n(o.Second)})
	}
	for _, v := range b.Verdicts {
		add("verdict", map[string]string{"subject": v.Subject, "view": v.View, "zone": v.Zone, "name": v.Metric, "first": string(v.First), "second": string(v.Second), "why": v.Why})
	}
	for _, p := range b.Photos {
		add("photo", map[string]string{"subject": p.Subject, "view": p.View, "session": p.Session, "photo": p.Photo, "first": p.First, "second": p.Second})
	}
	for _, l := range b.LeftOut {
		add("left_out", map[string]string{"subject": l.Subject, "view": l.View, "why": l.Reason})
	}
	for which, in := range []string{"first", "second"} {
		for _, id := range b.Only[which] {
			add("person", map[string]string{"subject": id, in: "there", "why": "in the " + in + " only"})
		}
	}
	out.Flush()
	return out.Error()
}

// WriteText writes it for reading. Metrics of which nothing differs are counted, not
// listed.
func (b *Bridge) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	p := func(format string, args ...any) { fmt.Fprintf(t, format, args...) } // an error stays in the writer
	p("persons in both: %d\n", b.Persons)
	for which, in := range []string{"first", "second"} {
		for _, id := range b.Only[which] {
			p("in the %s only: %s\n", in, id)
		}
	}
	for _, l := range b.LeftOut {
		p("left out: %s %s: %s\n", l.Subject, l.View, l.Reason)
	}
	same := 0
	p("\nvalues, second minus first (SDC: smallest detectable change)\nmetric\tunit\tvalues\tchanged\tlost\tgained\tmedian\tmedian |d|\tp95 |d|\tmedian SDC\tp95 SDC\n")
	for _, m := range b.Metrics() {
		if m.Changed+m.Lost+m.Gained == 0 {
			same++
			continue
		}
		p("%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\n", m.Metric, m.Unit, m.Values, m.Changed, m.Lost, m.Gained,
			short(m.Median), short(m.MedianAbs), short(m.P95Abs), short(m.MedianSDC), short(m.P95SDC))
	}
	p("metrics without any difference: %d\n", same)
	p("\nobjects\tfirst\tsecond\tboth\tlost\tgained\n")
	for _, o := range b.Objects {
		p("%s\t%d\t%d\t%d\t%d\t%d\n", o.Kind, o.First, o.Second, o.Both, o.Lost, o.Gained)
	}
	p("\nverdicts: %d the same, %d changed\n", b.Same, len(b.Verdicts))
	for _, v := range b.Verdicts {
		p("%s %s %s %s (%s): %s -> %s: %s\n", v.Subject, v.View, v.Zone, v.Metric, v.Role,
			cmp.Or(string(v.First), "none"), cmp.Or(string(v.Second), "none"), v.Why)
	}
	p("\nphotos judged differently: %d\n", len(b.Photos))
	for _, c := range b.Photos {
		p("%s %s %s %s: %s -> %s\n", c.Subject, c.View, c.Session, c.Photo, c.First, c.Second)
	}
	return t.Flush()
}

// short is a number of three digits, - for none.
func short(n result.Number) string {
	if !n.Known() {
		return "-"
	}
	return strconv.FormatFloat(float64(n), 'g', 3, 64)
}
