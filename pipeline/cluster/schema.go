package cluster

import (
	"context"
	"embed"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// schema is where all our tables are in the database.
const schema = "dermatrend"

//go:embed schema/*.sql
var migrations embed.FS

// newest is the number of the last file in schema.
const newest = 1

// Numbers of advisory locks, which are shared with nobody else who uses the database.
const (
	lockMigrate = 0x6465726d01 // held while tables are changed
	lockErase   = 0x6465726d02 // shared by those who add objects, alone by who erases
)

// migrate brings the tables up to date. A program that is older than the tables is
// refused. A role without the right to change tables may use those that are up to date.
func (c *Cluster) migrate(ctx context.Context) error {
	conn, err := c.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	have, err := version(ctx, conn.Conn())
	if err != nil {
		return err
	}
	river, err := rivermigrate.New(riverpgxv5.New(c.pool), &rivermigrate.Config{Schema: schema, Logger: c.log})
	if err != nil {
		return err
	}
	if have > newest {
		return fmt.Errorf("the database was set up by a newer dermatrend (tables of version %d, this program knows %d): use that version", have, newest)
	}
	if have == newest {
		if v, err := river.Validate(ctx, nil); err == nil && v.OK {
			return nil
		}
	}
	if _, err := conn.Exec(ctx, `select pg_advisory_lock($1)`, lockMigrate); err != nil {
		return err
	}
	defer conn.Exec(context.WithoutCancel(ctx), `select pg_advisory_unlock($1)`, lockMigrate)
	if _, err := conn.Exec(ctx, `create schema if not exists `+schema); err != nil {
		return fmt.Errorf("cannot set up tables: %w", err)
	}
	if _, err := river.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("cannot set up tables of the queue: %w", err)
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `set local search_path to `+schema); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `create table if not exists version (number integer not null)`); err != nil {
			return err
		}
		// Another one may have been faster.
		if have, err = version(ctx, tx.Conn()); err != nil {
			return err
		}
		for n := have + 1; n <= newest; n++ {
			sql, err := migrations.ReadFile(fmt.Sprintf("schema/%03d.sql", n))
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, string(sql)); err != nil {
				return fmt.Errorf("cannot set up tables, version %d: %w", n, err)
			}
			if _, err := tx.Exec(ctx, `insert into version values ($1)`, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// version is that of the tables; 0 where there are none.
func version(ctx context.Context, conn *pgx.Conn) (n int, err error) {
	var there bool
	if err := conn.QueryRow(ctx, `select to_regclass($1) is not null`, schema+".version").Scan(&there); err != nil || !there {
		return 0, err
	}
	err = conn.QueryRow(ctx, `select coalesce(max(number), 0) from `+schema+`.version`).Scan(&n)
	return n, err
}
