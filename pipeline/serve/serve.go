// Package serve is the local page on which a clinician looks at the results of a
// study, photo beside photo, and says where the program is wrong.
//
// The page is for the person at this machine: it listens on 127.0.0.1 only, answers
// only to whoever has the token of the printed URL, and fetches nothing from
// elsewhere. What is said on it is appended to the edits of the study; results are
// never touched. The next run takes the edits into account.
package serve

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Options say what is shown and what may be written.
type Options struct {
	Out     string                   // folder with the results of a run
	Persons func() ([]string, error) // whose results are in Out now, in order
	// Study loads the study that takes the edits, as it is now, with all subjects that
	// have no problem of their own; nil: the page is for reading only.
	Study    func() (*study.Study, error)
	StudyDir string    // its folder, for the command that the page names
	By       string    // who edits
	Words    Words     // how results are worded
	Log      io.Writer // errors of the server
}

// Words are the texts that the page has in common with the reports.
type Words struct {
	Name   func(kind, key string) string // of a metric, a zone, a verdict: "cheek_left" of kind "zone" is "left cheek"
	Plain  func(text string) string      // a text from outside on one line, without marks that turn its direction
	Number func(v float64) string        // three significant digits; a dash where there is none
}

// Server is the page of one output folder.
type Server struct {
	opts    Options
	root    *os.Root // Out: no path leads out of it
	host    string   // the only Host that is answered
	token   string   // of the printed URL
	session string   // of the cookie that it is exchanged for
	results cache
}

// Open prepares the page; [Server.Close] ends it.
func Open(o Options) (*Server, error) {
	root, err := os.OpenRoot(o.Out)
	if err != nil {
		return nil, err
	}
	return &Server{opts: o, root: root, token: rand.Text(), session: rand.Text()}, nil
}

// Close lets go of the output folder.
func (s *Server) Close() error { return s.root.Close() }

// CheckAddr refuses an address that others could reach: only 127.0.0.1 with a port
// is taken, 0 for any that is free.
func CheckAddr(addr string) error {
	a, err := netip.ParseAddrPort(addr)
	if err != nil || a.Addr() != netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		return fmt.Errorf("the address %q: expected 127.0.0.1:PORT, PORT 0 for any that is free; the page shows patients and is for this machine only", addr)
	}
	return nil
}

// Serve answers on addr (see [CheckAddr]) until ctx ends, then lets requests that
// are under way finish. ready gets the URL to open, which holds the token.
func (s *Server) Serve(ctx context.Context, addr string, ready func(url string)) error {
	if err := CheckAddr(addr); err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp4", addr)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           s.handler(l.Addr().String()),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(s.opts.Log, "", 0),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stopped <- errors.Join(server.Shutdown(grace), server.Close())
	})
	ready("http://" + s.host + "/?token=" + s.token)
	err = server.Serve(l)
	if stop() { // it ended by itself
		return err
	}
	return <-stopped
}

// cookieName differs by port, since cookies do not.
func (s *Server) cookieName() string {
	a, err := netip.ParseAddrPort(s.host)
	if err != nil {
		return "dermatrend"
	}
	return "dermatrend-" + strconv.Itoa(int(a.Port()))
}
