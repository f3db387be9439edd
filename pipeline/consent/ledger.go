// Package consent keeps the ledger of what was exported and withdrawn, and tells
// who is covered for what.
//
// The ledger is an SQLite database in the study's folder. Entries are only ever
// appended; each holds the hash of the one before, so that an edit or a cut in the
// middle shows. A chain alone can be written anew from its start: whoever wants to
// prove that it was not keeps the head, which every export prints, somewhere else.
package consent

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver
)

// LedgerFile is the name of the ledger in the study's folder.
const LedgerFile = "consent-ledger.db"

// Kinds of entries.
const (
	KindExport   = "export"
	KindWithdraw = "withdraw"
	KindErase    = "erase"
	KindDeleted  = "deleted" // what a withdrawal or erasure has deleted
)

// Entry is one line of the ledger.
type Entry struct {
	Seq       int64      `json:"seq"`                  // from 1
	Time      string     `json:"time"`                 // RFC 3339, UTC, as the clock of the machine had it
	ClockBack bool       `json:"clock_back,omitempty"` // an earlier entry is of a later time
	Kind      string     `json:"kind"`
	Subjects  []string   `json:"subjects"`
	Scope     string     `json:"scope,omitempty"` // of consent that the export rests on, or that is withdrawn
	Also      []string   `json:"also,omitempty"`  // further scopes that the export rests on
	AsOf      string     `json:"as_of,omitempty"` // day on which consent was looked at, or withdrawn
	By        string     `json:"by,omitempty"`    // who did it, as given
	Note      string     `json:"note,omitempty"`
	Artefacts []Artefact `json:"artefacts,omitempty"`
	Prev      string     `json:"prev"` // hash of the entry before; zeros for the first

	Hash string `json:"-"` // SHA-256 of the entry's JSON
}

// Artefact is one exported file.
type Artefact struct {
	Path    string `json:"path"` // absolute
	SHA256  string `json:"sha256"`
	Deleted bool   `json:"deleted,omitempty"` // in entries of KindDeleted
}

// noHash stands before the first entry.
var noHash = strings.Repeat("0", 2*sha256.Size)

const schema = `
CREATE TABLE IF NOT EXISTS entry (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, hash TEXT NOT NULL UNIQUE);
CREATE TRIGGER IF NOT EXISTS entry_kept BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS entry_fixed BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;`

// Ledger is open until it is closed. Several processes may have it open; they
// append one after the other.
type Ledger struct {
	db  *sql.DB
	now func() time.Time
}

// Open opens the ledger of a study's folder and makes it if it is missing. A
// ledger that is no regular file of its own (a link) is refused.
func Open(root string) (*Ledger, error) {
	path := filepath.Join(root, LedgerFile)
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		f.Close()
	case err != nil:
		return nil, fmt.Errorf("ledger: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("ledger: %s is not a regular file", path)
	}
	return open(path)
}

// Existing is [Open] that makes nothing: nil without an error where the study has
// no ledger yet.
func Existing(root string) (*Ledger, error) {
	if _, err := os.Lstat(filepath.Join(root, LedgerFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return Open(root)
}

func open(path string) (*Ledger, error) {
	// A transaction takes the write lock at its start, so that what it read is still
	// the last entry when it writes.
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "_txlock=immediate&_busy_timeout=20000&_sync=FULL"}
	db, err := sql.Open("sqlite3", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(schema); err != nil {
		db.Close()
		return nil, fmt.Errorf("ledger %s: %w", path, err)
	}
	return &Ledger{db: db, now: time.Now}, nil
}

// Close gives the file back.
func (l *Ledger) Close() error { return l.db.Close() }

// Receipt says where the ledger stands after something was entered.
type Receipt struct {
	Head string // hash of the last entry
	// ClockBack tells that the clock of this machine is behind that of an earlier entry:
	// it was set back, or another machine's ran ahead. What is said of today may be wrong.
	ClockBack bool
}

// Append adds an entry, numbers, dates and chains it. A clock that was set back is
// noted in the entry, never hidden.
func (l *Ledger) Append(ctx context.Context, e Entry) (r Receipt, err error) {
	err = l.alone(ctx, func(t turn) error {
		r, err = t.append(ctx, e)
		return err
	})
	return r, err
}

// turn is a stretch of time in which nobody else writes to the ledger.
type turn struct {
	tx  *sql.Tx
	now func() time.Time
}

// alone calls f while nobody else can write, and keeps what f appended if it returns
// no error.
func (l *Ledger) alone(ctx context.Context, f func(t turn) error) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	defer tx.Rollback() // does nothing after a commit
	if err := f(turn{tx, l.now}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return nil
}

func (t turn) append(ctx context.Context, e Entry) (Receipt, error) {
	var body string
	last := Entry{Hash: noHash}
	latest := "" // of all: after the clock was set back, the last is not the latest
	switch err := t.tx.QueryRowContext(ctx, "SELECT body, hash, (SELECT max(json_extract(body, '$.time')) FROM entry) FROM entry ORDER BY seq DESC LIMIT 1").Scan(&body, &last.Hash, &latest); {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return Receipt{}, fmt.Errorf("ledger: an entry cannot be read (dermatrend ledger verify tells more): %w", err)
	default:
		if err := json.Unmarshal([]byte(body), &last); err != nil {
			return Receipt{}, fmt.Errorf("ledger: the last entry cannot be read (dermatrend ledger verify tells more): %w", err)
		}
	}
	e.Seq, e.Prev, e.Time = last.Seq+1, last.Hash, t.now().UTC().Format(time.RFC3339)
	e.ClockBack = e.Time < latest // the format sorts by time
	data, err := json.Marshal(e)
	if err != nil {
		return Receipt{}, err
	}
	r := Receipt{Head: hashOf(data), ClockBack: e.ClockBack}
	if _, err := t.tx.ExecContext(ctx, "INSERT INTO entry (seq, body, hash) VALUES (?, ?, ?)", e.Seq, string(data), r.Head); err != nil {
		return Receipt{}, fmt.Errorf("ledger: %w", err)
	}
	return r, nil
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Entries lists the ledger in order, checked: see [Ledger.Verify].
func (l *Ledger) Entries(ctx context.Context) ([]Entry, error) { return l.Verify(ctx, "") }

// Verify reads the whole chain. An error names the first entry that was edited, is
// missing, or is out of place, or says that a head that was kept elsewhere is not
// in it: then the end was cut off, or all was written anew. An empty head is not
// looked for.
func (l *Ledger) Verify(ctx context.Context, head string) ([]Entry, error) {
	return verify(ctx, l.db, head)
}

// verify reads from the database or within a turn.
func verify(ctx context.Context, from interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, head string) ([]Entry, error) {
	rows, err := from.QueryContext(ctx, "SELECT seq, body, hash FROM entry ORDER BY seq")
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	defer rows.Close()
	var all []Entry
	prev, found := noHash, head == "" || head == noHash
	for rows.Next() {
		var seq int64
		var body, hash string
		if err := rows.Scan(&seq, &body, &hash); err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		var e Entry
		want := int64(len(all) + 1)
		switch err := json.Unmarshal([]byte(body), &e); {
		case seq != want:
			return nil, fmt.Errorf("ledger: entry %d is missing", want)
		case hashOf([]byte(body)) != hash || err != nil || e.Seq != seq:
			return nil, fmt.Errorf("ledger: entry %d was edited", seq)
		case e.Prev != prev:
			return nil, fmt.Errorf("ledger: entry %d does not follow entry %d: one of them was replaced", seq, seq-1)
		}
		e.Hash = hash
		prev = hash
		found = found || hash == head
		all = append(all, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	if !found {
		return nil, fmt.Errorf("ledger: no entry has the hash %s: its end was cut off, or it was written anew", head)
	}
	return all, nil
}

// Head is the hash of the last entry; of no entry, zeros.
func Head(entries []Entry) string {
	if len(entries) == 0 {
		return noHash
	}
	return entries[len(entries)-1].Hash
}
