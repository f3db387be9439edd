package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/cluster"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// CollectOptions say what is collected.
type CollectOptions struct {
	Batch    string // empty for the only one there is
	Version  string // of the tool
	Wait     bool   // until all series are measured or given up
	Progress func(done, total int)
}

// Collect writes the results of a batch to the folder out as [Run] would have: the
// same files, byte for byte, but for timings.json. It needs neither the study nor its
// photos. A series that was given up has no values and says why.
//
// It has to be the program that measured, since it makes the reports.
func Collect(ctx context.Context, out string, where ClusterOptions, opts CollectOptions) (Summary, error) {
	c, err := cluster.Open(ctx, where)
	if err != nil {
		return Summary{}, refused(err)
	}
	defer c.Close()
	sum, err := collect(ctx, c, out, opts)
	return sum, refused(err)
}

func collect(ctx context.Context, c *cluster.Cluster, out string, opts CollectOptions) (Summary, error) {
	stored, err := c.Batch(ctx, opts.Batch)
	if err != nil {
		return Summary{}, err
	}
	program, err := programName(opts.Version)
	if err != nil {
		return Summary{}, err
	}
	if stored.Program != program {
		return Summary{}, usagef("the batch %s was measured by %s, this is %s: collect it with that version", stored.ID, stored.Program, program)
	}
	if opts.Wait {
		if err := waitForBatch(ctx, c, stored.ID, opts.Progress); err != nil {
			return Summary{}, err
		}
	}
	b, photos, err := storedBatch(ctx, c, stored)
	if err != nil {
		return Summary{}, err
	}
	if b.out, err = openOutdir(out); err != nil {
		return Summary{}, err
	}
	defer b.out.close()
	if err := b.out.claim(ids(b.subjects)); err != nil {
		return Summary{}, err
	}
	b.plan()
	if err := b.gatherFrom(ctx, c, stored.ID, photos); err != nil {
		return Summary{}, &Unfinished{out, countFinished(out), err}
	}
	return b.put(ctx)
}

// waitForBatch returns when nothing of a batch is left to do.
func waitForBatch(ctx context.Context, c *cluster.Cluster, id string, progress func(done, total int)) error {
	for tick := time.NewTicker(2 * time.Second); ; {
		// That the database does not answer for a while is waited for, too.
		if all, err := c.Status(ctx, id); err == nil && len(all) == 1 {
			s := all[0]
			if progress != nil {
				progress(s.Done+s.Dead, s.Tasks)
			}
			if s.Done+s.Dead == s.Tasks {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// storedBatch is a batch as it was submitted, and the hashes of its photos by person
// and file.
func storedBatch(ctx context.Context, c *cluster.Cluster, stored cluster.Batch) (*batch, map[string]map[string]string, error) {
	var h batchHeader
	if err := json.Unmarshal(stored.Header, &h); err != nil {
		return nil, nil, fmt.Errorf("batch %s cannot be read: %w", stored.ID, err)
	}
	st := &h.Study
	documents, photos := map[string]map[string]string{}, map[string]map[string]string{}
	err := c.Owners(ctx, stored.ID, func(o cluster.Owner) error {
		var p batchPerson
		if err := json.Unmarshal(o.Data, &p); err != nil {
			return fmt.Errorf("batch %s: %s cannot be read: %w", stored.ID, o.Name, err)
		}
		st.Subjects, st.Notes = append(st.Subjects, p.Subject), append(st.Notes, p.Notes...)
		documents[p.Subject.ID], photos[p.Subject.ID] = p.Documents, p.Photos
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	// The files that the settings name are not here, so that these are not worked out anew.
	b, err := batchOf(st, RunOptions{Subjects: h.Only, Version: h.Version}, h.Settings)
	if err != nil {
		return nil, nil, err
	}
	b.document = func(p *study.Subject, name string) string { return documents[p.ID][name] }
	return b, photos, nil
}

// gatherFrom takes the results of a batch out of the store, but for those that an
// earlier collection that was cut off has brought already.
func (b *batch) gatherFrom(ctx context.Context, c *cluster.Cluster, id string, photos map[string]map[string]string) error {
	for i, s := range b.todo {
		o, err := b.origin(s, photos[s.Subject.ID])
		if err == nil && b.out.isFinished(s.Subject.ID, o.key()) {
			b.choices[i] = choice{Resume, o.key(), ""}
		}
	}
	if err := b.sweep(); err != nil {
		return err
	}
	// Results come in the order of the series. Their numbers have gaps where a person
	// was erased.
	i := 0
	err := c.Results(ctx, id, func(r cluster.Result) error {
		if i == len(b.todo) || b.todo[i].Subject.ID != r.Owner {
			return errErasedMeanwhile
		}
		err := b.takeResult(ctx, c, i, r, photos[r.Owner])
		i++
		return err
	})
	if err == nil && i != len(b.todo) {
		err = errErasedMeanwhile
	}
	return err
}

var errErasedMeanwhile = errors.New("somebody was erased meanwhile: collect again")

// takeResult takes the result of series i.
func (b *batch) takeResult(ctx context.Context, c *cluster.Cluster, i int, r cluster.Result, photos map[string]string) error {
	if b.choices[i].action == Resume && r.Failure == nil {
		return nil
	}
	b.choices[i].action = Measure
	s, err := b.extract(ctx, c, i, r)
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.Owner, b.todo[i].View, err)
	}
	if r.Failure != nil {
		photos = nil
	}
	m, err := answeredBy(s)
	if err != nil {
		return err
	}
	return b.keepFrom(i, m, photos)
}

// extract puts the pictures of a result into the task folder of series i.
func (b *batch) extract(ctx context.Context, c *cluster.Cluster, i int, r cluster.Result) (s result.Series, err error) {
	series := b.todo[i]
	dir, err := b.out.task(i)
	if err != nil {
		return s, err
	}
	if f := r.Failure; f != nil {
		return lostSeries(series, f.Item, f.Stage, f.Reason), nil
	}
	temp := dir + ".archive"
	if err := errors.Join(os.RemoveAll(temp), os.Mkdir(temp, 0o700)); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if err := c.Extract(ctx, r, temp); err != nil {
		return s, err
	}
	rows, err := os.ReadFile(filepath.Join(temp, seriesFile))
	if err != nil {
		return s, err
	}
	var note taskNote
	if err := errors.Join(json.Unmarshal(rows, &s), json.Unmarshal(r.Note, &note)); err != nil {
		return s, err
	}
	if s.Subject != series.Subject.ID || s.View != series.View {
		return s, fmt.Errorf("it is about %q %q", s.Subject, s.View)
	}
	s.PeakRSSMiB, s.Timings = note.PeakRSSMiB, note.Timings
	// Without pictures there is no folder in the archive.
	if _, err := os.Stat(filepath.Join(temp, "pictures")); err != nil {
		return s, nil
	}
	return s, errors.Join(os.Remove(dir), os.Rename(filepath.Join(temp, "pictures"), dir))
}
