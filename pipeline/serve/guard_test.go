package serve

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A page from elsewhere whose name was made to point here gets nothing, whatever it
// brings.
func TestAnotherHostIsMisdirected(t *testing.T) {
	s := newSample(t, true)
	_, port, _ := strings.Cut(s.host, ":")
	for _, host := range []string{"evil.example", "evil.example:" + port, "localhost:" + port, "127.0.0.1", "127.0.0.1:1", "127.0.0.1.:" + port} {
		r := s.request(t, http.MethodGet, "/?token="+s.server.token, "")
		r.Host = host
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMisdirectedRequest || len(resp.Cookies()) > 0 {
			t.Errorf("host %q: %s, cookies %v", host, resp.Status, resp.Cookies())
		}
	}
}

// Without the token, or the cookie that it was exchanged for, nothing is told.
func TestWithoutTheTokenNothingIsTold(t *testing.T) {
	s := newSample(t, true)
	other := newSample(t, false)
	paths := []string{"/", "/view/P001/front", "/view/nobody/front", "/report/P001", "/pictures/P001/aligned/front-01-s0.jpg", "/assets/page.css", "/nothing",
		"/?token=", "/?token=" + other.server.token, "/?token=" + strings.ToLower(s.server.token), "/?token=" + s.server.token[1:], "/view/P001/front?token=" + s.server.token}
	for _, path := range paths {
		for _, cookie := range []string{"", s.server.token, other.server.session, s.server.session + "x"} {
			r := s.request(t, http.MethodGet, path, "")
			if cookie != "" {
				r.AddCookie(&http.Cookie{Name: s.server.cookieName(), Value: cookie})
			}
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			if body := read(t, resp); resp.StatusCode != http.StatusForbidden || strings.Contains(body, "P001") || len(resp.Cookies()) > 0 {
				t.Errorf("%s with cookie %q: %s %s", path, cookie, resp.Status, body)
			}
			resp.Body.Close()
		}
	}
	if len(s.server.token) < 26 || s.server.token == other.server.token || s.server.token == s.server.session {
		t.Errorf("token %s, cookie %s", s.server.token, s.server.session)
	}
}

// The cookie is of no use to another site, to a script, or after a reload.
func TestTheTokenIsExchangedForACookie(t *testing.T) {
	s := newSample(t, false)
	resp, err := http.DefaultTransport.RoundTrip(s.request(t, http.MethodGet, "/?token="+s.server.token, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	set := resp.Header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/", s.server.cookieName() + "=" + s.server.session} {
		if !strings.Contains(set, want) {
			t.Errorf("%q lacks %s", set, want)
		}
	}
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" || strings.Contains(set, s.server.token) {
		t.Errorf("%s to %q, %q", resp.Status, resp.Header.Get("Location"), set)
	}
}

// Every answer forbids what it does not need, and is not kept by the browser.
func TestAnswersAreClosed(t *testing.T) {
	s := newSample(t, true)
	for _, path := range []string{"/", "/view/P001/front", "/pictures/P001/aligned/front-01-s0.jpg", "/assets/viewer.js", "/nothing", "/report/P001"} {
		_, _, h := s.get(t, path)
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, h)
		}
		csp := h.Get("Content-Security-Policy")
		if path == "/report/P001" {
			// Its own script must not act as this page: without allow-same-origin it is
			// of no site at all, and without the cookie.
			if !strings.HasPrefix(csp, "sandbox ") || strings.Contains(csp, "allow-same-origin") {
				t.Errorf("report: %s", csp)
			}
			continue
		}
		if !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") || strings.Contains(csp, "data:") {
			t.Errorf("%s: %s", path, csp)
		}
	}
}

// No path and no link leads out of the results, or to what is no picture in them.
func TestNothingOutsideIsRead(t *testing.T) {
	s := newSample(t, true)
	secret := filepath.Join(t.TempDir(), "secret.jpg")
	writeFile(t, secret, "secret")
	writeFile(t, filepath.Join(filepath.Dir(s.out), "secret.jpg"), "secret")
	writeFile(t, filepath.Join(s.out, "run.json"), "secret")
	writeFile(t, filepath.Join(s.out, "P001", "aligned", "notes.txt"), "secret")
	writeFile(t, filepath.Join(s.out, "P001", "private", "secret.jpg"), "secret")
	writeFile(t, filepath.Join(s.out, "P002", "aligned", "secret.jpg"), "secret") // not of the results
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(s.out, name)); err != nil {
			t.Fatal(err)
		}
	}
	link(secret, "P001/aligned/link.jpg")
	link("../../../"+filepath.Base(filepath.Dir(secret))+"/secret.jpg", "P001/aligned/up.jpg")
	link(filepath.Dir(secret), "P001/masks")
	link(filepath.Dir(secret), "linked")
	writeFile(t, filepath.Join(filepath.Dir(secret), "result.json"), `{"ID":"secret"}`)
	writeFile(t, filepath.Join(filepath.Dir(secret), "report.html"), "secret")
	// A pipe would keep whoever opens it waiting.
	if err := unix.Mkfifo(filepath.Join(s.out, "P001", "aligned", "pipe.jpg"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/pictures/P001/aligned/pipe.jpg", "/pictures/P001/aligned/../../secret.jpg", "/pictures/P001/aligned/..%2f..%2f..%2fsecret.jpg", "/pictures/P001/..%2f..%2faligned/secret.jpg",
		"/pictures/P001/%2e%2e/secret.jpg", "/pictures/../secret.jpg", "/pictures/P001/aligned/%2e%2e%2fprivate%2fsecret.jpg", "/pictures/%2e%2e/aligned/secret.jpg",
		"/pictures/P001/aligned/" + strings.ReplaceAll(secret, "/", "%2f"), "/pictures/P001/private/secret.jpg", "/pictures/P001/aligned/notes.txt",
		"/pictures/P001/aligned/link.jpg", "/pictures/P001/aligned/up.jpg", "/pictures/P001/masks/secret.jpg", "/pictures/P002/aligned/secret.jpg",
		"/pictures/P001/aligned/..%5c..%5csecret.jpg", "/pictures/P001/aligned/front-01-s0.jpg%00.jpg", "/pictures/P001/aligned/",
		"/pictures//aligned/secret.jpg", "/view/linked/front", "/report/linked", "/report/..", "/report/%2e%2e%2fP001", "/view/../front", "/run.json", "/P001/result.json",
		"/assets/..%2fserve.go", "/assets/view.html", "/assets/../guard.go", "//etc/passwd", "/%2fetc%2fpasswd",
	} {
		status, body, _ := s.get(t, path)
		if status == http.StatusOK && strings.Contains(path, "..") && strings.HasPrefix(body, "<!doctype html>") {
			continue // cleaned to a page of ours
		}
		if status < 400 || status == http.StatusInternalServerError && !strings.Contains(path, "linked") || strings.Contains(body, "secret\n") || body == "secret" {
			t.Errorf("%s: %d %.80s", path, status, body)
		}
	}
	if status, body, _ := s.get(t, "/"); status != http.StatusOK || !strings.Contains(body, "linked") || strings.Contains(body, ">secret<") {
		t.Errorf("the person whose folder is a link: %d %s", status, body)
	}
}

// It can be reached from this machine only.
func TestOnlyThisMachineIsAnswered(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "[::1]:0", "[::]:0", "localhost:0", "127.0.0.2:0", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "[::ffff:127.0.0.1]:0", ""} {
		if CheckAddr(addr) == nil {
			t.Errorf("%q was taken", addr)
		}
	}
	for _, addr := range []string{"127.0.0.1:0", "127.0.0.1:8443"} {
		if err := CheckAddr(addr); err != nil {
			t.Error(err)
		}
	}
}

// An end comes at once, without an error, and the port is free again.
func TestServeEndsWithItsContext(t *testing.T) {
	s := newSample(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	urls, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- s.server.Serve(ctx, "127.0.0.1:0", func(url string) { urls <- url }) }()
	url := <-urls
	resp, err := http.Get(url) // without a cookie jar, the page after it is refused
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if !strings.HasPrefix(url, "http://127.0.0.1:") || resp.StatusCode != http.StatusForbidden {
		t.Errorf("%s: %s", url, resp.Status)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it goes on")
	}
	if _, err := http.Get(url); err == nil {
		t.Error("it still answers")
	}
	if err := s.server.Serve(t.Context(), "0.0.0.0:0", nil); err == nil {
		t.Error("the whole network was let in")
	}
}
