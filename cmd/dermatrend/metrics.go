package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dermatrend/dermatrend/metrics"
)

type metricsCommand struct {
	Markdown bool `help:"As the table of the README."`
}

func (c metricsCommand) Run(in *invocation) error {
	if c.Markdown {
		_, err := io.WriteString(in.stdout, markdownMetrics())
		return err
	}
	w := tabwriter.NewWriter(in.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tUNIT\tBETTER\tNEEDS PX/MM\tMEANING\tSOURCE")
	for _, m := range metrics.All() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", m.Name, m.Unit, better(m.Direction), needs(m), m.Doc, m.Source)
	}
	return w.Flush()
}

// markdownMetrics is the table of the README, where a test looks for it.
func markdownMetrics() string {
	var b strings.Builder
	b.WriteString("| metric | unit | better | needs px/mm | meaning | source |\n|---|---|---|---|---|---|\n")
	for _, m := range metrics.All() {
		name := "`" + m.Name + "`"
		if m.Primary {
			name = "**" + name + "**"
		}
		cells := []string{name, m.Unit, better(m.Direction), needs(m), m.Doc, m.Source}
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(c, "|", `\|`)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	return b.String()
}

func better(d metrics.Direction) string {
	switch d {
	case metrics.LowerIsBetter:
		return "lower"
	case metrics.HigherIsBetter:
		return "higher"
	}
	return "-"
}

func needs(m metrics.Metric) string {
	if m.NeedsPxPerMM == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3g", m.NeedsPxPerMM)
}
