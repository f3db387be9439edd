package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
)

// policy lets a page use what this server holds, and nothing else.
const policy = "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// handler is everything that is answered at host, behind its guards: the right name
// (or a page from elsewhere could make a name of its own point here), no form of
// another site, and the token or the cookie that it was exchanged for.
func (s *Server) handler(host string) http.Handler {
	s.host = host
	crossing := http.NewCrossOriginProtection()
	pages := crossing.Handler(s.admit(s.routes()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if r.Host != host {
			http.Error(w, "this page is at another address", http.StatusMisdirectedRequest)
			return
		}
		pages.ServeHTTP(w, r)
	})
}

// admit lets those through who have the cookie, and gives it to those who come with
// the token.
func (s *Server) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if given := r.URL.Query().Get("token"); given != "" && r.URL.Path == "/" && r.Method == http.MethodGet {
			if !same(given, s.token) {
				refuse(w)
				return
			}
			http.SetCookie(w, &http.Cookie{Name: s.cookieName(), Value: s.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
			// Away from the URL with the token, which else stays in the address bar.
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		c, err := r.Cookie(s.cookieName())
		if err != nil || !same(c.Value, s.session) {
			refuse(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func refuse(w http.ResponseWriter) {
	http.Error(w, "open the URL that dermatrend serve has printed", http.StatusForbidden)
}

// same compares two secrets in a time that tells nothing about them.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
