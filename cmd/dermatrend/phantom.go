package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dermatrend/dermatrend/fixtures"
)

type phantomCommand struct {
	Folder     string  `arg:"" help:"Folder for the study; must not exist or be empty. The truth goes beside it, into FOLDER-truth."`
	Subjects   int     `default:"1" help:"Number of persons (${default})." placeholder:"N"`
	Sessions   int     `default:"5" help:"Number of sessions, 30 days apart (${default})." placeholder:"N"`
	Replicates int     `default:"1" help:"Photos of each session (${default})." placeholder:"N"`
	Course     string  `default:"better30" help:"What becomes of the skin: ${courses} (${default})." placeholder:"NAME"`
	Nuisance   float64 `default:"0.5" help:"How far photos differ though the skin does not: 0 flawless, 0.5 mild, 1 as in clinics (${default})." placeholder:"LEVEL"`
	Width      int     `default:"2100" help:"Width of the photos, pixels; the height is four thirds of it (${default})." placeholder:"PX"`
	PxPerMM    float64 `name:"px-per-mm" default:"14" help:"Scale at the face (${default}). At a smaller width choose a smaller scale, or the face is cut; 0 shows the whole head." placeholder:"N"`
	GiveScale  bool    `help:"State the scale in the manifests."`
	Seed       uint64  `default:"1" help:"Another seed gives other persons and other photos (${default})." placeholder:"N"`
}

// phantomDay is the first day of a phantom study: long enough ago that no session
// lies in the future.
var phantomDay = time.Date(2025, 1, 10, 9, 30, 0, 0, time.UTC)

// Validate is called by kong.
func (c phantomCommand) Validate() error {
	for _, check := range []struct {
		ok   bool
		what string
	}{
		{c.Subjects >= 1 && c.Subjects <= 999, "--subjects: must be 1 to 999"},
		{c.Sessions >= 1 && c.Sessions <= 12, "--sessions: must be 1 to 12"},
		{c.Replicates >= 1 && c.Replicates <= 20, "--replicates: must be 1 to 20"},
		{c.Nuisance >= 0 && c.Nuisance <= 2, "--nuisance: must be 0 to 2"},
		{c.Width >= 240 && c.Width <= 9000, "--width: must be 240 to 9000"},
		{c.PxPerMM >= 0 && c.PxPerMM <= 60, "--px-per-mm: must be 0 to 60"},
	} {
		if !check.ok {
			return fmt.Errorf("%s", check.what)
		}
	}
	if _, ok := fixtures.CourseNamed(c.Course); !ok {
		return fmt.Errorf("--course %q: must be one of %s", c.Course, courses())
	}
	return nil
}

func (c phantomCommand) Run(in *invocation) error {
	entries, err := os.ReadDir(c.Folder)
	if err == nil && len(entries) > 0 {
		return inputError{fmt.Errorf("%s is not empty; choose another folder", c.Folder)}
	}
	course, _ := fixtures.CourseNamed(c.Course)
	err = fixtures.WriteStudy(c.Folder, "", fixtures.Study{
		Seed: c.Seed, Subjects: c.Subjects, Sessions: c.Sessions, Replicates: c.Replicates,
		W: c.Width, H: c.Width * 4 / 3, PxPerMM: c.PxPerMM, GiveScale: c.GiveScale,
		Course: course, Nuisance: fixtures.FullNuisance.Times(c.Nuisance), First: phantomDay,
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(in.stdout, "%s, %s each: %s, and what is true about them: %s-truth\n",
		count(c.Subjects, "person"), count(c.Sessions, "session"), c.Folder, filepath.Clean(c.Folder))
	return err
}

func courses() string {
	var names []string
	for _, c := range fixtures.Courses {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}
