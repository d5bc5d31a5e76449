package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"time"
)

// Limits of the API.
const (
	maxRequest    = 1 << 20 // bytes of a request's body
	headerTime    = 5 * time.Second
	requestTime   = 30 * time.Second
	answerTime    = 5 * time.Minute // a profile or a large file's creation takes its time
	idleTime      = 2 * time.Minute
	maxSocketPath = 100 // bytes; systems differ between 104 and 108
)

// newMux serves what every client may ask for.
func (d *Daemon) newMux() *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.HandleFunc(r.method+" "+r.path, r.serve(d))
	}
	mux.Handle("GET /metrics", d.metricsHandler())
	mux.HandleFunc("GET "+openAPIPath, d.serveOpenAPI)
	return mux
}

// newAPIServer returns the server of the API on its socket.
func (d *Daemon) newAPIServer() *http.Server {
	mux := d.newMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		ConnContext:       withAuthor,
		ErrorLog:          slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
	}
}

// listenAPI listens on the socket at path for its owner alone. A socket that nobody answers
// on is what an earlier daemon left behind.
func listenAPI(path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, refuse(fmt.Sprintf("the path of the API socket %s is longer than %d bytes", path, maxSocketPath), "Choose a shorter one with --api.")
	}
	if c, err := net.Dial("unix", path); err == nil {
		_ = c.Close()
		return nil, conflict("another daemon answers on "+path, "Stop it, or choose another socket with --api.")
	}
	// It gets its name when nobody else may connect any more.
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, socketProblem(path, err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, socketProblem(path, err)
	}
	l.SetUnlinkOnClose(false)
	err = os.Chmod(fresh, 0o600)
	if err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		return nil, errors.Join(socketProblem(path, err), l.Close())
	}
	return &apiListener{l, path}, nil
}

// An apiListener takes its socket away when it is closed.
type apiListener struct {
	net.Listener
	path string
}

func (l *apiListener) Close() error {
	err := os.Remove(l.path)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(l.Listener.Close(), err)
}

func socketProblem(path string, err error) *Problem {
	return &Problem{
		Title: fmt.Sprintf("cannot listen on the API socket %s: %v", path, err),
		Hint:  "Choose a path that may be written with --api.",
		cause: err,
	}
}

// decode reads the body of r, which may be empty, strictly.
func decode(w http.ResponseWriter, r *http.Request, q any) error {
	most := int64(maxRequest)
	if large, ok := q.(interface{ maxRequest() int64 }); ok {
		most = large.maxRequest()
	}
	body := http.MaxBytesReader(w, r.Body, most)
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	err := d.Decode(q)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more after the JSON value")
		}
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &Problem{Status: http.StatusRequestEntityTooLarge, Title: fmt.Sprintf("the request has more than %d bytes", large.Limit), Hint: "Ask for less at a time."}
	case err != nil:
		return refuse(fmt.Sprintf("the request cannot be read: %v", err), "Are client and daemon of the same version? lunar version tells.")
	}
	return nil
}

// answer writes a, or err as a problem.
func answer(w http.ResponseWriter, a any, err error) {
	kind, status := "application/json", http.StatusOK
	if err != nil {
		p := problemOf(err)
		kind, status, a = "application/problem+json", p.Status, p
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(a) // the client has gone; nobody is left to tell
}
