package serve

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
)

//go:embed assets
var assets embed.FS

var pages = template.Must(template.ParseFS(assets, "assets/*.html"))

// served are the files of the page itself.
var served = map[string]string{
	"page.css":  "text/css; charset=utf-8",
	"viewer.js": "text/javascript; charset=utf-8",
	"editor.js": "text/javascript; charset=utf-8",
	"icon.svg":  "image/svg+xml",
}

// pictureTypes are those of the folders of pictures, photoTypes those photos that
// browsers show.
var (
	pictureTypes = map[string]string{".jpg": "image/jpeg", ".png": "image/png"}
	photoTypes   = map[string]string{".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /assets/{name}", s.asset)
	mux.HandleFunc("GET /view/{id}/{view}", s.view)
	mux.HandleFunc("GET /pictures/{id}/{folder}/{name}", s.picture)
	mux.HandleFunc("GET /report/{id}", s.report)
	if s.opts.Study != nil {
		mux.HandleFunc("POST /edits/{id}/{view}", s.edit)
		mux.HandleFunc("GET /photos/{id}/{view}/{session}", s.photo)
	}
	return mux
}

func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	kind, ok := served[r.PathValue("name")]
	data, err := assets.ReadFile("assets/" + r.PathValue("name"))
	if !ok || err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(data) // nobody is left to be told
}

// picture answers with a picture of a person's results, and with no other file.
func (s *Server) picture(w http.ResponseWriter, r *http.Request) {
	folder, name := r.PathValue("folder"), r.PathValue("name")
	kind := pictureTypes[path.Ext(name)]
	if kind == "" || folder != "aligned" && folder != "overlays" && folder != "masks" {
		http.NotFound(w, r)
		return
	}
	s.file(w, r, kind, folder, name)
}

// report answers with the report as run has written it. It brings its own style and
// script; in a sandbox, these have no part in this page.
func (s *Server) report(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", "sandbox allow-scripts allow-modals; frame-ancestors 'none'; connect-src 'none'; form-action 'none'; base-uri 'none'")
	s.file(w, r, "text/html; charset=utf-8", "report.html")
}

// file answers with a file of a person's results. No name leads out of the folder,
// and neither does a link.
func (s *Server) file(w http.ResponseWriter, r *http.Request, kind string, elem ...string) {
	id := r.PathValue("id")
	if err := s.known(id); err != nil {
		s.fail(w, err)
		return
	}
	for _, e := range append(elem, id) {
		if strings.ContainsAny(e, `/\`) || !fs.ValidPath(e) {
			http.NotFound(w, r)
			return
		}
	}
	s.send(w, r, kind, s.root, path.Join(id, path.Join(elem...)))
}

// photo answers with a session's photo as it was taken, so that an alignment that was
// refused can be judged.
func (s *Server) photo(w http.ResponseWriter, r *http.Request) {
	dir, name, err := s.original(r.PathValue("id"), r.PathValue("view"), r.PathValue("session"))
	if err != nil {
		s.fail(w, err)
		return
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		s.fail(w, err)
		return
	}
	defer root.Close()
	s.send(w, r, photoTypes[strings.ToLower(path.Ext(name))], root, name)
}

// send answers with a file below a folder.
func (s *Server) send(w http.ResponseWriter, r *http.Request, kind string, root *os.Root, name string) {
	f, info, err := regular(root, name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", kind)
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// page answers with a rendered page, whole or not at all.
func (s *Server) page(w http.ResponseWriter, name string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // nobody is left to be told
}

// fail says what went wrong, on one line.
func (s *Server) fail(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	refused := refusal{}
	switch {
	case errors.As(err, &refused):
		code = refused.code
	case errors.Is(err, errUnknown), errors.Is(err, fs.ErrNotExist):
		code = http.StatusNotFound
	}
	http.Error(w, s.opts.Words.Plain(err.Error()), code)
}
