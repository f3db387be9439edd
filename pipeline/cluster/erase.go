package cluster

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"
)

// Erased counts what was removed.
type Erased struct {
	Tasks   int
	Objects int // of the store; those that others use stay
	// Elsewhere lists other domains that have an owner of this name, who was left alone.
	Elsewhere []string
}

// Erase removes an owner from all batches of a domain: tasks, results, and objects that no other
// owner uses. A task that a machine is working on is cancelled, and its result cannot
// be committed any more. If it is cut off, it can be repeated.
//
// Backups of the database, its log, and versions that a store keeps of deleted objects
// are not reached: their retention has to be bounded by whoever runs them.
func (c *Cluster) Erase(ctx context.Context, domain, owner string) (e Erased, err error) {
	conn, err := c.pool.Acquire(ctx)
	if err != nil {
		return e, err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `select pg_advisory_lock($1)`, lockErase); err != nil {
		return e, err
	}
	defer conn.Exec(context.WithoutCancel(ctx), `select pg_advisory_unlock($1)`, lockErase)
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		jobs, err := column[int64](ctx, tx, `select t.job from dermatrend.task t join dermatrend.batch b on b.id = t.batch where b.domain = $1 and t.owner = $2`, domain, owner)
		if err != nil {
			return err
		}
		e.Tasks = len(jobs)
		for _, id := range jobs {
			_, err := c.river.JobDeleteTx(ctx, tx, id)
			if errors.Is(err, rivertype.ErrJobRunning) {
				_, err = c.river.JobCancelTx(ctx, tx, id)
			}
			if err != nil && !errors.Is(err, rivertype.ErrNotFound) {
				return err
			}
		}
		// Objects go before the rows that name them: cut off in between, they are still
		// known to be there.
		for _, o := range []struct{ kind, query string }{
			{objects, `select hash from dermatrend.object o join dermatrend.batch b on b.id = o.batch
				where hash in (select hash from dermatrend.object o join dermatrend.batch b on b.id = o.batch where domain = $1 and owner = $2)
				group by hash having bool_and(domain = $1 and owner = $2)`},
			{archives, `select hash from dermatrend.archive a join dermatrend.task t using (batch, number) join dermatrend.batch b on b.id = batch
				where hash in (select hash from dermatrend.archive a join dermatrend.task t using (batch, number) join dermatrend.batch b on b.id = batch where domain = $1 and owner = $2)
				group by hash having bool_and(domain = $1 and owner = $2)`},
		} {
			all, err := column[string](ctx, tx, o.query, domain, owner)
			if err != nil {
				return err
			}
			for _, hash := range all {
				if err := c.store.remove(ctx, o.kind, hash); err != nil {
					return err
				}
			}
			e.Objects += len(all)
		}
		if _, err := tx.Exec(ctx, `delete from dermatrend.owner where name = $2 and batch in (select id from dermatrend.batch where domain = $1)`, domain, owner); err != nil {
			return err
		}
		e.Elsewhere, err = column[string](ctx, tx, `select distinct domain from dermatrend.owner o join dermatrend.batch b on b.id = o.batch where name = $1 order by domain`, owner)
		return err
	})
	return e, err
}

func column[T any](ctx context.Context, tx pgx.Tx, query string, a ...any) ([]T, error) {
	rows, err := tx.Query(ctx, query, a...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}
