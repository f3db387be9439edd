package main

import (
	"errors"
	"fmt"

	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

type initCommand struct {
	Folder           string `arg:"" optional:"" help:"Folder of the study, or of one person's photos."`
	FromCameraFolder string `help:"Copy the photos of a camera's folder into the study -o, by the code of the capture sheet in them and their EXIF date." placeholder:"FOLDER"`
	Output           string `short:"o" help:"With --from-camera-folder: the study." placeholder:"STUDY"`
	NoSheets         bool   `help:"Do not look for capture sheets in the photos, which takes some tenths of a second for each."`
	DryRun           bool   `help:"Print what would be written, and write nothing."`
}

// Validate is called by kong.
func (c initCommand) Validate() error {
	switch {
	case c.FromCameraFolder == "" && c.Folder == "":
		return errors.New("a folder is needed: dermatrend init FOLDER")
	case c.FromCameraFolder != "" && c.Folder != "":
		return errors.New("--from-camera-folder: the study is given as -o STUDY")
	case c.FromCameraFolder != "" && c.NoSheets:
		return errors.New("--no-sheets: a camera's photos are sorted by their sheets")
	case (c.FromCameraFolder == "") != (c.Output == ""):
		return errors.New("--from-camera-folder and -o STUDY belong together")
	}
	return nil
}

func (c initCommand) Run(in *invocation) error {
	if c.FromCameraFolder != "" {
		return c.sortCamera(in)
	}
	o := studyOptions()
	if !c.NoSheets {
		o.SheetCode = pipeline.SheetCode
	}
	files, err := study.Init(c.Folder, c.DryRun, o)
	for _, f := range files {
		switch {
		case f.Exists:
			fmt.Fprintf(in.stdout, "%s: is there already, left as it is\n", f.Path)
		case c.DryRun:
			fmt.Fprintf(in.stdout, "# %s\n%s\n", f.Path, f.Content)
		default:
			fmt.Fprintf(in.stdout, "%s: written; check dates and views\n", f.Path)
			for _, n := range f.Notes {
				fmt.Fprintf(in.stdout, "  %s\n", n)
			}
		}
	}
	return err
}

// sortCamera copies and says for each photo where it went, and of the others why not.
func (c initCommand) sortCamera(in *invocation) error {
	sorted, err := pipeline.SortCamera(in.ctx, c.FromCameraFolder, c.Output, c.DryRun)
	left := 0
	for _, p := range sorted {
		switch {
		case p.Reason != "":
			left++
			fmt.Fprintf(in.stdout, "%s: not assigned: %s\n", p.From, p.Reason)
		case p.There:
			fmt.Fprintf(in.stdout, "%s: is in the study already, as %s\n", p.From, p.To)
		case c.DryRun:
			fmt.Fprintf(in.stdout, "%s: would be copied to %s (%s)\n", p.From, p.To, p.By)
		default:
			fmt.Fprintf(in.stdout, "%s: copied to %s (%s)\n", p.From, p.To, p.By)
		}
	}
	if err != nil {
		return err
	}
	if !c.DryRun && left < len(sorted) {
		fmt.Fprintf(in.stdout, "Look through the folders, then run: dermatrend init %s\n", c.Output)
	}
	if left > 0 {
		return errPartial
	}
	return nil
}
