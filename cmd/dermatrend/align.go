package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"

	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

type alignCommand struct {
	Study     string `arg:"" help:"Folder of the study."`
	Points    string `required:"" help:"Table with the columns subject, view, x, y: points of the baseline photos, in pixels." placeholder:"FILE"`
	Out       string `short:"o" required:"" help:"Table to write: each point in the photo of each session." placeholder:"FILE"`
	FaceModel string `help:"YuNet model (ONNX) that finds faces instead of the built-in detector." type:"existingfile" placeholder:"FILE"`
	workers
}

func (c alignCommand) Run(in *invocation) error {
	f, err := os.Open(c.Points)
	if err != nil {
		return inputError{err}
	}
	defer f.Close()
	points, err := readPoints(c.Points, f)
	if err != nil {
		return inputError{err}
	}
	var subjects []string
	for _, p := range points {
		if !slices.Contains(subjects, p.Subject) {
			subjects = append(subjects, p.Subject)
		}
	}
	if from, err := os.Stat(c.Points); err == nil {
		if to, err := os.Stat(c.Out); err == nil && os.SameFile(from, to) {
			return inputError{fmt.Errorf("%s is the table of points itself; choose another file for -o", c.Out)}
		}
	}
	st, err := loadStudy(in, c.Study, subjects)
	if err != nil {
		return err
	}
	opts, progress := c.options(in)
	opts.Config.FaceModel = c.FaceModel
	rows, err := pipeline.CarryAll(in.ctx, st, points, opts)
	progress.close()
	if err != nil {
		return err
	}
	if err := files.Replace(c.Out, carriedTable(rows)); err != nil {
		return err
	}
	var lost int
	for _, r := range rows {
		if r.Reason != "" {
			lost++
		}
	}
	if !c.Quiet {
		fmt.Fprintf(in.stdout, "%s, %s, %d without coordinates: %s\n", count(len(points), "point"), count(len(rows), "row"), lost, c.Out)
	}
	if lost > 0 {
		return errPartial
	}
	return nil
}

// readPoints reads a table of points. All that is wrong is told at once, with its
// place in the file, and then there are no points.
func readPoints(file string, r io.Reader) ([]pipeline.ViewPoint, error) {
	table := csv.NewReader(r)
	head, err := table.Read()
	if err == io.EOF {
		return nil, fmt.Errorf("%s: empty; expected the columns subject, view, x, y", file)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var errs []error
	column := map[string]int{}
	for _, name := range []string{"subject", "view", "x", "y"} {
		if column[name] = slices.Index(head, name); column[name] < 0 {
			errs = append(errs, fmt.Errorf("%s:1:1: no column %s; expected subject, view, x, y", file, name))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	var points []pipeline.ViewPoint
	for {
		row, err := table.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			// What follows a row that is not one cannot be trusted.
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
			break
		}
		number := func(name string) float64 {
			v, err := strconv.ParseFloat(row[column[name]], 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				line, at := table.FieldPos(column[name])
				errs = append(errs, fmt.Errorf("%s:%d:%d: %s %q; expected a number of pixels", file, line, at, name, row[column[name]]))
			}
			return v
		}
		points = append(points, pipeline.ViewPoint{
			Subject: row[column["subject"]], View: row[column["view"]],
			Point: study.Point{X: number("x"), Y: number("y")},
		})
	}
	if len(points) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%s: no points", file))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return points, nil
}

// carriedTable is the CSV of carried points.
func carriedTable(rows []result.CarriedPoint) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	// A buffer takes everything.
	_ = w.Write([]string{"subject", "view", "session", "photo", "x", "y", "reason"})
	for _, r := range rows {
		_ = w.Write([]string{r.Subject, r.View, r.Session, r.Photo, r.X.Cell(), r.Y.Cell(), r.Reason})
	}
	w.Flush()
	return b.Bytes()
}
