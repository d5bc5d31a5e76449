package control

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"time"
)

// Tokens let programs on other machines use the API. The state has their hashes alone: a token has
// 256 random bits, which no dictionary has, so one round of SHA-256 is enough.

// tokenPrefix lets people and scanners of source see what a token is.
const tokenPrefix = "lunar_"

// A tokenRecord is a token.
type tokenRecord struct {
	Name    string    `json:"name"`
	Hash    []byte    `json:"hash"` // SHA-256 of the token
	Created time.Time `json:"created"`
}

const tokenKind kind[tokenRecord] = "token/"

// CreateToken makes a token, which is told this once.
func (d *Daemon) CreateToken(ctx context.Context, r TokenCreate) (TokenCreated, error) {
	if !isHostName(r.Name) || len(r.Name) > maxAlias {
		return TokenCreated{}, refuse(fmt.Sprintf("%q is not a name for a token", r.Name), "Use letters, digits, hyphens and dots.")
	}
	end, err := d.begin(ctx)
	if err != nil {
		return TokenCreated{}, err
	}
	defer end()
	if _, err := d.findToken(r.Name); !isMissing(err) {
		if err == nil {
			err = conflict(fmt.Sprintf("there is a token %q already", r.Name), "Choose another name, or revoke it first.")
		}
		return TokenCreated{}, err
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	token := tokenPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	hash := sha256.Sum256([]byte(token))
	record := tokenRecord{r.Name, hash[:], time.Now().UTC().Truncate(time.Second)}
	if err := d.state.Update(func(tx Tx) error { return tokenKind.put(tx, record.Name, record) }); err != nil {
		return TokenCreated{}, err
	}
	d.log.Info("created a token", "token", record.Name)
	return TokenCreated{record.info(), token}, nil
}

func (r tokenRecord) info() TokenInfo { return TokenInfo{r.Name, r.Created} }

func (d *Daemon) findToken(name string) (r tokenRecord, err error) {
	r, ok, err := tokenKind.find(d.state, name)
	if err == nil && !ok {
		err = missing(fmt.Sprintf("there is no token %q", name), "lunar token list shows the tokens.")
	}
	return r, err
}

// Tokens returns the tokens in order of their names.
func (d *Daemon) Tokens(context.Context) ([]TokenInfo, error) {
	records, err := tokenKind.list(d.state)
	if err != nil {
		return nil, err
	}
	infos := make([]TokenInfo, 0, len(records))
	for _, r := range records {
		infos = append(infos, r.info())
	}
	return infos, nil
}

// RevokeToken ends a token: the next request with it is refused.
func (d *Daemon) RevokeToken(ctx context.Context, name string) (TokenInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return TokenInfo{}, err
	}
	defer end()
	r, err := d.findToken(name)
	if err != nil {
		return TokenInfo{}, err
	}
	if err := d.state.Update(func(tx Tx) error { return tokenKind.delete(tx, name) }); err != nil {
		return TokenInfo{}, err
	}
	d.log.Info("revoked a token", "token", name)
	return r.info(), nil
}

// knows returns the name of the token, and false when there is none such. How long it takes tells
// nothing of how much of a wrong one is right.
func (d *Daemon) knows(token string) (name string, ok bool) {
	records, err := tokenKind.list(d.state)
	if err != nil {
		d.log.Error("the tokens cannot be read", "reason", err)
		return "", false
	}
	hash := sha256.Sum256([]byte(token))
	for _, r := range records {
		if subtle.ConstantTimeCompare(r.Hash, hash[:]) == 1 {
			name, ok = r.Name, true
		}
	}
	return name, ok
}
