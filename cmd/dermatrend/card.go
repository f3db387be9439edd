package main

import (
	"errors"
	"fmt"

	"github.com/dermatrend/dermatrend/pipeline"
)

type cardCommand struct {
	Output  string   `short:"o" default:"card.pdf" help:"File to write (${default}); an existing one is not overwritten." placeholder:"FILE"`
	Subject []string `help:"Code of a person, as in the study: never a name. May be repeated." placeholder:"ID" sep:"none"`
	Study   string   `help:"Folder of the study that the persons are in; with --all, of all of them." placeholder:"FOLDER"`
	All     bool     `help:"A sheet for each person of --study."`
}

// Validate is called by kong.
func (c cardCommand) Validate() error {
	switch {
	case c.All && c.Study == "":
		return errors.New("--all: needs --study FOLDER")
	case c.All && len(c.Subject) > 0:
		return errors.New("--all: not together with --subject")
	case !c.All && len(c.Subject) == 0:
		return errors.New("--subject: whose sheet? Or --study FOLDER --all")
	}
	return nil
}

func (c cardCommand) Run(in *invocation) error {
	ids := c.Subject
	if c.Study != "" {
		st, err := loadStudy(in, c.Study, c.Subject)
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for _, s := range st.Subjects {
			known[s.ID] = true
			if c.All {
				ids = append(ids, s.ID)
			}
		}
		for _, id := range ids {
			if !known[id] {
				return inputError{fmt.Errorf("no subject %q in %s", id, c.Study)}
			}
		}
	}
	if err := pipeline.WriteCards(c.Output, ids); err != nil {
		return err
	}
	_, err := fmt.Fprintf(in.stdout, "%s: %s; print at 100 %% and measure the line of 100 mm\n", c.Output, count(len(ids), "sheet"))
	return err
}
