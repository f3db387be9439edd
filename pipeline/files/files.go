// Package files replaces files whole and names them by their content.
package files

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// Replace puts data in place of the file, whole or not at all also when power fails,
// readable by its owner only, as these are patients, whoever could read it before.
// What is written meanwhile lies beside it.
func Replace(name string, data []byte) (err error) {
	f, err := renameio.TempFile(filepath.Dir(name), name) // 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Cleanup()) }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}

// Hash is the SHA-256 of a file's content, hex.
func Hash(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
