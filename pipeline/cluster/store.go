package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// store holds objects under the SHA-256 of their content, so that writing one twice
// changes nothing and a damaged one is noticed.
type store struct {
	bucket *blob.Bucket
	folder string // of a store of files; empty for others
}

// Kinds of objects: what was handed in, and what came out.
const (
	objects  = "objects"
	archives = "archives"
)

// storeError is an error of the store itself, not about one object: it is worth
// waiting for.
type storeError struct{ error }

func (e storeError) Unwrap() error { return e.error }

func storing(err error) error {
	switch {
	case err == nil:
		return nil
	case gcerrors.Code(err) == gcerrors.NotFound, errors.Is(err, ErrRefused), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("store: %w", err)
	}
	return storeError{fmt.Errorf("store: %w", err)}
}

func openStore(ctx context.Context, address string, insecure bool) (*store, error) {
	b, folder, err := openBucket(ctx, address, insecure)
	if err != nil {
		return nil, err
	}
	return &store{b, folder}, nil
}

func (s *store) close() { _ = s.bucket.Close() } // nothing is pending

// key is where an object lies. A folder of files gets slow with millions of entries.
func key(kind, hash string) string { return kind + "/" + hash[:2] + "/" + hash[2:4] + "/" + hash }

// put stores an object of a known hash unless it is there.
func (s *store) put(ctx context.Context, kind, hash string, open func() (io.ReadCloser, error)) error {
	content, err := open()
	if err != nil {
		return err
	}
	defer content.Close()
	k := key(kind, hash)
	there, err := s.bucket.Exists(ctx, k)
	if err != nil || there {
		return storing(err)
	}
	wctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := s.bucket.NewWriter(wctx, k, &blob.WriterOptions{IfNotExist: true, ContentType: "application/octet-stream", DisableContentTypeDetection: true})
	if err != nil {
		return storing(err)
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(h, w), content)
	if err == nil && hex.EncodeToString(h.Sum(nil)) != hash {
		err = refusef("a file changed while it was uploaded: submit again")
	}
	if err != nil {
		cancel() // before Close, which would keep what there is
		_ = w.Close()
		if local := (*fs.PathError)(nil); errors.As(err, &local) {
			return err
		}
		return storing(err)
	}
	if err := w.Close(); err != nil {
		if gcerrors.Code(err) == gcerrors.FailedPrecondition { // somebody was faster
			return nil
		}
		return storing(err)
	}
	return s.sync(k)
}

// sync sees to it that a file outlives a power cut; other stores do so themselves.
func (s *store) sync(k string) error {
	if s.folder == "" {
		return nil
	}
	name := filepath.Join(s.folder, filepath.FromSlash(k))
	for _, n := range []string{name, filepath.Dir(name)} {
		f, err := os.Open(n)
		if err != nil {
			return storing(err)
		}
		err = f.Sync()
		f.Close()
		if err != nil {
			return storing(err)
		}
	}
	return nil
}

// fetch writes an object to a new file.
func (s *store) fetch(ctx context.Context, kind, hash, name string) (err error) {
	r, err := s.bucket.NewReader(ctx, key(kind, hash), nil)
	if err != nil {
		return storing(err)
	}
	defer r.Close()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, h), r)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return storing(err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != hash {
		return fmt.Errorf("store: %s holds other bytes than it should: delete it there, then submit again", key(kind, hash))
	}
	return nil
}

// remove deletes an object; one that is not there is as good.
func (s *store) remove(ctx context.Context, kind, hash string) error {
	err := s.bucket.Delete(ctx, key(kind, hash))
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return storing(err)
}
