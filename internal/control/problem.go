package control

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// A Problem is an error for an operator: what is wrong in one line, and the way out. It
// travels as application/problem+json (RFC 9457).
type Problem struct {
	Status int    `json:"status"` // HTTP status; 0: 500
	Title  string `json:"title"`
	Hint   string `json:"hint,omitempty"`
	cause  error
}

func (p *Problem) Error() string { return p.Title }
func (p *Problem) Unwrap() error { return p.cause }

// WayOut is the hint, for who keeps what went wrong.
func (p *Problem) WayOut() string { return p.Hint }

// oneLine is err's text on one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// refuse is a request that is wrong in itself.
func refuse(title, hint string) *Problem {
	return &Problem{Status: http.StatusBadRequest, Title: title, Hint: hint}
}

// missing is a request for something that is not there.
func missing(title, hint string) *Problem {
	return &Problem{Status: http.StatusNotFound, Title: title, Hint: hint}
}

// isMissing reports whether err says that something is not there.
func isMissing(err error) bool {
	var p *Problem
	return errors.As(err, &p) && p.Status == http.StatusNotFound
}

// conflict is a request that something else stands in the way of.
func conflict(title, hint string) *Problem {
	return &Problem{Status: http.StatusConflict, Title: title, Hint: hint}
}

// joinUndo adds what went wrong while a change was taken back.
func joinUndo(err, undo error) error {
	if undo == nil {
		return err
	}
	return errors.Join(err, fmt.Errorf("taking the change back: %w", undo))
}

// problemOf gives any error the shape that travels.
func problemOf(err error) Problem {
	var found *Problem
	p := Problem{Title: oneLine(err), Hint: "The daemon's log says more."}
	if errors.As(err, &found) {
		p.Status, p.Hint = found.Status, found.Hint
	}
	if p.Status == 0 {
		p.Status = http.StatusInternalServerError
	}
	return p
}
