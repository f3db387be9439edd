package reading

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// File is one file of the results.
type File struct {
	Name string
	Data []byte
}

// Files are the results: readings.csv with every score beside what was shown,
// reliability.csv, agreement.csv and summary.txt. They name persons.
func (a Analysis) Files() []File {
	return []File{
		{"readings.csv", a.readings()}, {"reliability.csv", a.reliability()}, {"agreement.csv", a.agreement()}, {"summary.txt", a.Summary()},
	}
}

func cell(v float64) string { return result.Number(v).Cell() }

// readingColumns are those of the readings.
var readingColumns = []string{"pair", "kind", "repeat_of", "subject", "view", "zone", "session_before", "session_after", "reader", "score_before", "score_after", "improvement"}

func (a Analysis) readings() []byte {
	k := Key{a.Scale, a.Pairs}
	rows := [][]string{readingColumns}
	for _, p := range a.Pairs {
		for _, s := range a.Sheets {
			row := []string{p.Code, string(p.Kind), p.Of, p.Subject, p.View, p.Zone, p.BeforeSession, p.AfterSession, s.Reader, "", ""}
			if v := k.scores(s, p); len(v) == 2 {
				row[9], row[10] = cell(v[0]), cell(v[1])
			}
			rows = append(rows, append(row, cell(k.improvement(s, p))))
		}
	}
	return table(rows)
}

func (a Analysis) reliability() []byte {
	rows := [][]string{{"what", "reader", "measure", "n", "value", "low", "high", "reason"}}
	for _, f := range a.Figures {
		rows = append(rows, []string{f.What, f.Reader, f.Measure, strconv.Itoa(f.N), cell(f.Value), cell(f.Low), cell(f.High), f.Reason})
	}
	return table(rows)
}

func (a Analysis) agreement() []byte {
	rows := [][]string{{"zone", "metric", "unit", "n", "spearman", "low", "high", "p", "same_direction", "of", "share", "share_low", "share_high", "reason"}}
	for _, m := range a.Metrics {
		rows = append(rows, []string{m.Zone, m.Metric, m.Unit, strconv.Itoa(m.N), cell(m.Rho), cell(m.RhoLow), cell(m.RhoHigh), cell(m.P),
			strconv.Itoa(m.Same), strconv.Itoa(m.Of), cell(m.Share), cell(m.ShareLow), cell(m.ShareHigh), m.Reason})
	}
	return table(rows)
}

// Headline is the summary in short: who scored what, whether they agreed, and what
// they saw where there was nothing.
func (a Analysis) Headline() string {
	var b strings.Builder
	a.begin(&b)
	a.figures(&b, "inter", "sham")
	return b.String()
}

// Summary says the results in words.
func (a Analysis) Summary() []byte {
	var b strings.Builder
	a.begin(&b)
	a.figures(&b, "intra", "inter", "sham", "change")
	b.WriteString("\nMetrics beside the readers' mean improvement (rank correlation; share that goes the same way)\n")
	if len(a.Metrics) == 0 {
		b.WriteString("  no changes of metrics were put aside with the key\n")
	}
	for _, m := range a.Metrics {
		words := "n = " + strconv.Itoa(m.N) + ", " + m.Reason
		if m.Reason == "" {
			words = figureWords(Figure{N: m.N, Value: m.Rho, Low: m.RhoLow, High: m.RhoHigh})
		}
		if m.Of > 0 {
			words += fmt.Sprintf("; %d of %d the same way", m.Same, m.Of)
		}
		fmt.Fprintf(&b, "  %-20s %-28s %s\n", m.Zone, m.Metric, words)
	}
	b.WriteString("\nCorrelations are not adjusted for their number. Scores of one person's two photos are not independent of each other; intervals take them as if they were.\n")
	return []byte(b.String())
}

// begin says what was shown, and to whom.
func (a Analysis) begin(b *strings.Builder) {
	kinds := map[Kind]int{}
	for _, p := range a.Pairs {
		kinds[p.Kind]++
	}
	fmt.Fprintf(b, "Blinded reading: %s\n", a.Scale.Title)
	fmt.Fprintf(b, "Source of the scale: %s.\n", a.Scale.Source)
	fmt.Fprintf(b, "%d pairs, %d shown twice, %d shams (%d of two untreated visits, %d of one visit twice).\n",
		kinds[True], kinds[Repeat], kinds[ShamUntreated]+kinds[ShamSame], kinds[ShamUntreated], kinds[ShamSame])
	fmt.Fprintf(b, "A reader has seen a change where scores differ by %g or more.\n", a.Scale.Step)
	if kinds[ShamSame] > 0 {
		b.WriteString("One visit shown twice is easier to see through than a photo taken again: its false rates are lower bounds.\n")
	}
	b.WriteString("\nReaders\n")
	for _, s := range a.Sheets {
		fmt.Fprintf(b, "  %s: %d scores, %d missing\n", s.Reader, len(s.scores), s.Missing)
	}
}

// figures lists groups of figures, those without values too.
func (a Analysis) figures(b *strings.Builder, groups ...string) {
	for _, group := range []struct{ what, title string }{
		{"intra", "Agreement of a reader with themself (pairs shown twice)"},
		{"inter", "Agreement between readers (pairs shown once or first)"},
		{"sham", "Changes seen where there was no treatment between"},
		{"change", "Changes seen between baseline and the later visit"},
	} {
		if !slices.Contains(groups, group.what) {
			continue
		}
		fmt.Fprintf(b, "\n%s\n", group.title)
		for _, f := range a.Figures {
			if f.What == group.what {
				fmt.Fprintf(b, "  %-20s %-24s %s\n", f.Reader, strings.ReplaceAll(f.Measure, "_", " "), figureWords(f))
			}
		}
	}
}

// figureWords is a figure as the summary says it.
func figureWords(f Figure) string {
	if !result.Number(f.Value).Known() {
		return fmt.Sprintf("n = %d, %s", f.N, f.Reason)
	}
	s := fmt.Sprintf("%.2f", f.Value)
	if result.Number(f.Low).Known() && result.Number(f.High).Known() {
		s += fmt.Sprintf(" (95 %% %.2f to %.2f)", f.Low, f.High)
	}
	if f.Reason != "" {
		s += " (" + f.Reason + ")"
	}
	return s + fmt.Sprintf(", n = %d", f.N)
}
