package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
)

// Batch reads a batch. With an empty id it is the only one there is.
func (c *Cluster) Batch(ctx context.Context, id string) (b Batch, err error) {
	rows, err := c.pool.Query(ctx, `select id, program, header, domain from dermatrend.batch where $1 in (id, '') limit 2`, id)
	if err != nil {
		return b, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Batch])
	switch {
	case err != nil:
		return b, err
	case len(all) == 0 && id != "":
		return b, refusef("there is no batch %s: dermatrend status lists them", id)
	case len(all) == 0:
		return b, refusef("there is no batch: dermatrend submit makes one")
	case len(all) > 1:
		return b, refusef("there are several batches, say which with --batch: dermatrend status lists them")
	}
	return all[0], nil
}

// Owners calls each with the owners of a batch in their order, without objects and
// tasks.
func (c *Cluster) Owners(ctx context.Context, batch string, each func(Owner) error) error {
	rows, err := c.pool.Query(ctx, `select name, position, data from dermatrend.owner where batch = $1 order by position, name`, batch)
	if err != nil {
		return err
	}
	var o Owner
	_, err = pgx.ForEachRow(rows, []any{&o.Name, &o.Position, &o.Data}, func() error { return each(o) })
	return err
}

// Result is what came of a task: an archive and a note, or a failure.
type Result struct {
	Number  int
	Owner   string
	Note    []byte
	Failure *Died // nil for a result

	archive string
}

// Results calls each with what came of the tasks of a batch, in the order of their
// numbers. The batch has to be complete, and each task done or given up; else the
// error wraps ErrRefused and says how many are not.
func (c *Cluster) Results(ctx context.Context, batch string, each func(Result) error) error {
	all, err := c.Status(ctx, batch)
	if err != nil {
		return err
	}
	if len(all) != 1 {
		return refusef("there is no batch %s: dermatrend status lists them", batch)
	}
	switch s := all[0]; {
	case !s.Complete:
		return refusef("the submission of batch %s was cut off: repeat dermatrend submit", batch)
	case s.Done+s.Dead < s.Tasks:
		return refusef("batch %s: %d of %d series are not measured yet: wait (--wait), and see dermatrend status", batch, s.Tasks-s.Done-s.Dead, s.Tasks)
	}
	// By pages, so that a batch of any size is not in memory.
	for last := -1; ; {
		page, err := c.results(ctx, batch, last)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, r := range page {
			if err := each(r); err != nil {
				return err
			}
			last = r.Number
		}
	}
}

func (c *Cluster) results(ctx context.Context, batch string, after int) ([]Result, error) {
	rows, err := c.pool.Query(ctx, `select t.number, t.owner, coalesce(r.archive, ''), r.note, t.death
		from dermatrend.task t left join dermatrend.result r using (batch, number)
		where batch = $1 and number > $2 order by number limit 500`, batch, after)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Result, err error) {
		var death []byte
		if err := row.Scan(&r.Number, &r.Owner, &r.archive, &r.Note, &death); err != nil {
			return r, err
		}
		if r.archive == "" {
			r.Failure, err = failure(death)
		}
		return r, err
	})
}

// failure reads why a task was given up. If no attempt could say anything, the
// machines died.
func failure(death []byte) (*Died, error) {
	if death == nil {
		return &Died{Reason: "every machine that it was given to died or froze"}, nil
	}
	d := &Died{}
	return d, json.Unmarshal(death, d)
}

// Extract puts the files of a result into a folder.
func (c *Cluster) Extract(ctx context.Context, r Result, dir string) (err error) {
	temp, err := os.MkdirTemp("", "dermatrend-collect-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	file := filepath.Join(temp, "archive")
	if err := c.store.fetch(ctx, archives, r.archive, file); err != nil {
		return err
	}
	return unpack(file, dir)
}
