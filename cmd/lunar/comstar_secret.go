package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/lunarsan/lunar/internal/control"
)

// askSecret asks a person at a terminal for a secret as COMSTAR's commands do: twice, unseen.
func (c *cli) askSecret(ctx context.Context, prompt string) (control.Secret, error) {
	secret, err := c.unseen(ctx, prompt)
	if err != nil {
		return nil, err
	}
	again, err := c.unseen(ctx, "Re-enter secret: ")
	if err != nil {
		return nil, err
	}
	if secret != again {
		return nil, &control.Problem{Title: "Secret validation failed", Hint: "Type the same secret twice."}
	}
	if secret == "" {
		return nil, &control.Problem{Title: "the secret is empty", Hint: "Type one of 12 to 255 characters."}
	}
	return control.Secret(secret), nil
}

// unseen reads a line that the terminal does not show, until ctx ends: a Ctrl-C must not leave a
// terminal behind that shows nothing.
func (c *cli) unseen(ctx context.Context, prompt string) (string, error) {
	in := int(c.stdin.(*os.File).Fd())
	before, err := term.GetState(in)
	if err != nil {
		return "", fmt.Errorf("asking the terminal for a secret: %w", err)
	}
	fmt.Fprint(c.stderr, prompt)
	defer fmt.Fprintln(c.stderr)
	type line struct {
		text []byte
		err  error
	}
	typed := make(chan line, 1)
	go func() { // nothing wakes it but a line; after a Ctrl-C the program ends
		text, err := term.ReadPassword(in)
		typed <- line{text, err}
	}()
	select {
	case l := <-typed:
		if l.err != nil {
			return "", fmt.Errorf("reading the secret: %w", l.err)
		}
		return string(l.text), nil
	case <-ctx.Done():
		_ = term.Restore(in, before) // the error that counts is that of ctx
		return "", ctx.Err()
	}
}
