package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// Options say where the database and the store are.
type Options struct {
	DB    string // postgres://user@host/name?sslmode=verify-full
	Store string // s3://bucket?region=..., or file:///folder that all machines share
	// Insecure allows to reach other machines without TLS.
	Insecure bool
	// Connections to the database at most; 0 for eight. A worker needs some more than
	// it has tasks at a time.
	Connections int
	Log         *slog.Logger // nil for nowhere; it is never told names, addresses or reasons
}

// ErrRefused is wrapped by errors that the caller mends: a wrong address, another
// program's batch, one that is not complete.
var ErrRefused = errors.New("refused")

// refusal is an ErrRefused that does not say so in its text.
type refusal struct{ error }

func (refusal) Is(target error) bool { return target == ErrRefused }
func (r refusal) Unwrap() error      { return r.error }

func refusef(format string, a ...any) error { return refusal{fmt.Errorf(format, a...)} }

// Cluster is a database and a store. It may be used by several goroutines.
type Cluster struct {
	pool  *pgxpool.Pool
	store *store
	river *river.Client[pgx.Tx] // which only inserts
	log   *slog.Logger
}

// Open connects to database and store, and sets up or updates the tables.
func Open(ctx context.Context, o Options) (*Cluster, error) {
	c := &Cluster{log: o.Log}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	config, err := databaseConfig(o.DB, o.Insecure)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(max(o.Connections, 8))
	// A machine that froze in the middle of a transaction must not hold its locks.
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = fmt.Sprint(patience.Milliseconds())
	config.ConnConfig.RuntimeParams["application_name"] = "dermatrend"
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	if c.store, err = openStore(ctx, o.Store, o.Insecure); err != nil {
		return nil, err
	}
	if c.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		c.store.close()
		return nil, fmt.Errorf("database: %w", err)
	}
	if err := c.migrate(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("database: %w", err)
	}
	c.river, err = river.NewClient(riverpgxv5.New(c.pool), &river.Config{Schema: schema, Logger: c.log})
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("database: %w", err)
	}
	return c, nil
}

// patience is how long a transaction may stand still; an upload is done in one.
const patience = 10 * time.Minute

// Close ends all connections.
func (c *Cluster) Close() {
	c.pool.Close()
	c.store.close()
}
