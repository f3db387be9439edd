package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

type checkCommand struct {
	Study   string   `arg:"" help:"Folder of the study."`
	Subject []string `help:"Check only this person. May be repeated." placeholder:"ID" sep:"none"`
	All     bool     `help:"Print the checks that passed, too."`
	workers
}

func (c checkCommand) Run(in *invocation) error {
	st, err := loadStudy(in, c.Study, c.Subject)
	if err != nil {
		return err
	}
	opts, progress := c.options(in)
	opts.Subjects = c.Subject
	checked, err := pipeline.Check(in.ctx, st, opts)
	progress.close()
	if err != nil {
		return err
	}
	var rejected []result.Rejection
	for _, s := range checked {
		rejected = append(rejected, s.Rejections...)
	}
	if !c.Quiet {
		printManifests(in.stdout, st, c.Subject)
		printChecks(in.stdout, checked, c.All)
		printRejections(in.stdout, rejected)
	}
	leftOut := slices.ContainsFunc(st.Subjects, func(s study.Subject) bool {
		return len(s.LeftOut) > 0 && (len(c.Subject) == 0 || slices.Contains(c.Subject, s.ID))
	})
	if len(rejected) > 0 || leftOut {
		return errPartial
	}
	return nil
}

// printManifests says for each person what consent covers today, and what is
// remarkable in the manifest.
func printManifests(w io.Writer, st *study.Study, only []string) {
	today := study.NewDate(time.Now().Date())
	for i := range st.Subjects {
		s := &st.Subjects[i]
		if len(only) > 0 && !slices.Contains(only, s.ID) {
			continue
		}
		given := ""
		for _, scope := range consent.Scopes {
			if ok, _ := study.Covers(s.Consent, scope, today); ok {
				given += " " + scope
			}
		}
		if given == "" {
			given = " none recorded"
			if len(s.Consent) > 0 {
				_, why := study.Covers(s.Consent, "clinical", today)
				given = " none; " + why
			}
		}
		fmt.Fprintf(w, "%s: %s; consent:%s\n", s.ID, count(len(s.Sessions), "session"), given)
		for _, n := range st.Notes {
			if n.Subject == s.ID {
				fmt.Fprintf(w, "  note: %s\n", n.Text)
			}
		}
	}
}

// printChecks is the table of comparability: what did not pass, or all.
func printChecks(out io.Writer, checked []result.Series, all bool) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	rows, checks := 0, 0
	for _, s := range checked {
		checks += len(s.Comparability)
		for _, c := range s.Comparability {
			if c.Status == result.OK && !all {
				continue
			}
			if rows == 0 {
				fmt.Fprintln(w, "SUBJECT\tVIEW\tSESSION\tPHOTO\tCHECK\tVALUE\tLIMIT\tUNIT\tAFFECTS\tSTATUS")
			}
			rows++
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
				c.Subject, c.View, c.Session, c.Photo, c.Check, c.Value.Cell(), c.Limit.Cell(), c.Unit, c.Affects, c.Status)
		}
	}
	w.Flush()
	if rows == 0 && checks > 0 {
		fmt.Fprintln(out, "all photos passed all checks")
	}
	for _, s := range checked {
		for _, e := range s.Edits {
			if e.Void != "" {
				fmt.Fprintf(out, "not applied: edit by %s on %s, %s, %s, %s %s: %s\n", e.By, e.At, s.Subject, s.View, e.Kind, e.Name, e.Void)
			}
		}
		if len(s.Protocol) > 0 {
			fmt.Fprintf(out, "for the next photo of %s, %s:\n", s.Subject, s.View)
		}
		for _, line := range s.Protocol {
			fmt.Fprintf(out, "  %s\n", line)
		}
	}
}
