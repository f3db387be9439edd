package cluster

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Status counts what became of the tasks of a batch.
type Status struct {
	Batch    string
	Program  string
	Created  time.Time
	Complete bool // all of it was submitted
	Tasks    int
	Done     int
	Running  int
	Waiting  int // for a worker
	Again    int // waiting to be tried again
	Dead     int // given up
}

// dead is the condition for a task that was given up; j is its job.
const dead = `(r.number is null and coalesce(j.state, 'discarded') in ('cancelled', 'discarded', 'completed'))`

// Status is that of one batch, or with an empty name of all, oldest first.
func (c *Cluster) Status(ctx context.Context, batch string) ([]Status, error) {
	rows, err := c.pool.Query(ctx, `select b.id, b.program, b.created, b.complete, count(t.number), count(r.number),
			count(*) filter (where r.number is null and j.state = 'running'),
			count(*) filter (where r.number is null and j.state in ('available', 'pending') and j.attempt = 0),
			count(*) filter (where r.number is null and (j.state in ('retryable', 'scheduled') or j.state = 'available' and j.attempt > 0)),
			count(t.number) filter (where `+dead+`)
		from dermatrend.batch b
		left join dermatrend.task t on t.batch = b.id
		left join dermatrend.result r on r.batch = t.batch and r.number = t.number
		left join dermatrend.river_job j on j.id = t.job
		where $1 in (b.id, '') group by b.id order by b.created, b.id`, batch)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Status])
}

// Attempt is a task that was given up or is being tried again.
type Attempt struct {
	Number   int
	Owner    string
	Attempts int
	Dead     bool
	Died
}

// Failures lists the tasks of a batch that failed at least once and have no result.
func (c *Cluster) Failures(ctx context.Context, batch string) ([]Attempt, error) {
	rows, err := c.pool.Query(ctx, `select t.number, t.owner, coalesce(j.attempt, 0), `+dead+`, t.death
		from dermatrend.task t
		left join dermatrend.result r using (batch, number)
		left join dermatrend.river_job j on j.id = t.job
		where batch = $1 and r.number is null and (t.death is not null or `+dead+`) order by t.number`, batch)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Attempt, err error) {
		var death []byte
		if err := row.Scan(&a.Number, &a.Owner, &a.Attempts, &a.Dead, &death); err != nil {
			return a, err
		}
		d, err := failure(death)
		if err == nil {
			a.Died = *d
		}
		return a, err
	})
}

// Retry queues the tasks of a batch that were given up once more, and tells how many.
func (c *Cluster) Retry(ctx context.Context, batch string) (n int, err error) {
	if _, err := c.Batch(ctx, batch); err != nil {
		return 0, err
	}
	err = pgx.BeginFunc(ctx, c.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select t.number, j.id from dermatrend.task t
			join dermatrend.river_job j on j.id = t.job
			left join dermatrend.result r using (batch, number)
			where batch = $1 and `+dead, batch)
		if err != nil {
			return err
		}
		type given struct{ Number, Job int64 }
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[given])
		if err != nil {
			return err
		}
		for _, g := range all {
			if _, err := c.river.JobRetryTx(ctx, tx, g.Job); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `update dermatrend.task set deaths = 0, death = null where batch = $1 and number = $2`, batch, g.Number); err != nil {
				return err
			}
		}
		n = len(all)
		return nil
	})
	return n, err
}
