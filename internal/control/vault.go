package control

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Secrets are sealed in the state, with a key that is in a file of its own: a copy of the
// state alone tells nobody a secret. Records have them in the clear in memory.

// keyFile is the key's name inside the state directory: 64 hexadecimal digits.
const keyFile = "secrets.key"

// sealedPrefix begins a secret that is sealed; then come the nonce and the sealed bytes
// (AES-256-GCM, the name of the record beside them). No secret that people choose begins so.
var sealedPrefix = []byte("\x00lunar sealed\x01")

// ErrKey says that a secret cannot be opened.
var ErrKey = errors.New("the key of the secrets does not open them")

// sealed reports whether s is as the state has it. In memory, that is a secret without its key.
func (s Secret) sealed() bool { return bytes.HasPrefix(s, sealedPrefix) }

// A vault seals secrets and opens them.
type vault struct {
	path   string
	random io.Reader

	mu   sync.Mutex
	aead cipher.AEAD // nil: not read yet
}

func newVault(dir string) *vault {
	return &vault{path: filepath.Join(dir, keyFile), random: rand.Reader}
}

// seal seals the secret of the record about. The first one makes the key.
func (v *vault) seal(about string, s Secret) (Secret, error) {
	aead, err := v.cipher(true)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	if _, err := io.ReadFull(v.random, nonce); err != nil {
		return nil, fmt.Errorf("making a nonce: %w", err)
	}
	return aead.Seal(append(bytes.Clone(sealedPrefix), nonce...), nonce, s, []byte(about)), nil
}

// open opens what seal has sealed; what is in the clear stays so.
func (v *vault) open(about string, s Secret) (Secret, error) {
	rest, sealed := bytes.CutPrefix(s, sealedPrefix)
	if !sealed {
		return s, nil
	}
	aead, err := v.cipher(false)
	if err != nil {
		return nil, err
	}
	if len(rest) < aead.NonceSize() {
		return nil, fmt.Errorf("%s: %w: it is cut short", about, ErrKey)
	}
	clear, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], []byte(about))
	if err != nil {
		return nil, fmt.Errorf("%w: %s has another key", ErrKey, v.path)
	}
	return clear, nil
}

// cipher returns the cipher with the key, and makes the key where it is not there and is to be.
func (v *vault) cipher(make bool) (cipher.AEAD, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.aead != nil {
		return v.aead, nil
	}
	key, err := v.read()
	if make && errors.Is(err, fs.ErrNotExist) {
		key, err = v.create()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	v.aead, err = cipher.NewGCM(block)
	return v.aead, err
}

// keySize is AES-256's, in bytes.
const keySize = 32

func (v *vault) read() ([]byte, error) {
	text, err := os.ReadFile(v.path)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("%s does not hold %d hexadecimal digits", v.path, 2*keySize)
	}
	return key, nil
}

// create makes the key and its file, which is whole and on the medium before anything is sealed.
func (v *vault) create() ([]byte, error) {
	key := make([]byte, keySize)
	if _, err := io.ReadFull(v.random, key); err != nil {
		return nil, err
	}
	unfinished := v.path + ".new"
	f, err := os.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Rename(unfinished, v.path); err != nil {
		return nil, err
	}
	dir, err := os.Open(filepath.Dir(v.path))
	if err != nil {
		return nil, err
	}
	return key, errors.Join(dir.Sync(), dir.Close())
}

// A sealedState is a State whose records have their secrets sealed.
type sealedState struct {
	*journal
	vault *vault
}

// openState opens the state in dir; see openBolt.
func openState(dir string) (sealedState, error) {
	s, err := openBolt(dir)
	return sealedState{&journal{State: s, now: time.Now}, newVault(dir)}, err
}

func (s sealedState) View(f func(Tx) error) error {
	return s.journal.View(func(tx Tx) error { return f(sealedTx{tx, s.vault}) })
}

func (s sealedState) Update(f func(Tx) error) error {
	return s.journal.Update(func(tx Tx) error { return f(sealedTx{tx, s.vault}) })
}

// A sealedTx is a Tx with the vault for its records.
type sealedTx struct {
	Tx
	vault *vault
}

// credentialIn is where a record has its credential; nil: records of the kind have none.
func credentialIn(record any) **credential {
	switch r := record.(type) {
	case *targetRecord:
		return &r.Self
	case *initiatorRecord:
		return &r.CHAP
	case *memberGroupRecord:
		return &r.CHAP
	case *discoveryRecord:
		return &r.Self
	case *radiusRecord:
		return &r.Shared
	case *alarmRecord:
		return &r.Secret
	}
	return nil
}

// hide seals the secret of record, which is about to be saved as key. One that has no key stays
// as it was read.
func hide(tx Tx, key string, record any) error {
	at := credentialIn(record)
	if at == nil || *at == nil || (*at).Secret.sealed() {
		return nil
	}
	in, ok := tx.(sealedTx)
	if !ok {
		return errors.New("there is no vault to seal a secret with")
	}
	secret, err := in.vault.seal(key, (*at).Secret)
	if err != nil {
		return &Problem{
			Title: fmt.Sprintf("cannot seal the secret of %s: %v", key, err),
			Hint:  "Nothing was changed. Restore " + in.vault.path + " from a backup, or make it readable.",
			cause: err,
		}
	}
	*at = &credential{(*at).User, secret}
	return nil
}

// reveal opens the secret of record, which was read from key. One that cannot be opened stays
// sealed: what needs it stays closed, and the rest of the record is good.
func reveal(tx Tx, key string, record any) {
	at := credentialIn(record)
	in, ok := tx.(sealedTx)
	if at == nil || *at == nil || !ok {
		return
	}
	if secret, err := in.vault.open(key, (*at).Secret); err == nil {
		*at = &credential{(*at).User, secret}
	}
}

// lost tells why the secret of c, which is in the record key, is not known, and the way out;
// empty: it is.
func (d *Daemon) lost(key string, c *credential) string {
	if c == nil || !c.Secret.sealed() {
		return ""
	}
	if _, err := d.vault.open(key, c.Secret); err != nil {
		return fmt.Sprintf("%v; restore the file from a backup and restart the daemon, or set another secret", err)
	}
	return "the key of its secret is there again; restart the daemon"
}

// sealSecrets seals the secrets that an older program has saved in the clear, in one transaction.
func (d *Daemon) sealSecrets() error {
	var save []func(Tx) error
	if err := d.state.View(func(tx Tx) error {
		return errors.Join(
			inTheClear(tx, targetKind, &save),
			inTheClear(tx, initiatorKind, &save),
			inTheClear(tx, hostGroupKind, &save),
			inTheClear(tx, discoveryKind, &save),
		)
	}); err != nil || len(save) == 0 {
		return err
	}
	d.log.Info("sealing the secrets of the state", "secrets", len(save), "key", d.vault.path)
	return d.state.Update(func(tx Tx) error {
		for _, record := range save {
			if err := record(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// inTheClear finds the records whose secrets are not sealed, and what saves them.
func inTheClear[R any](tx Tx, k kind[R], save *[]func(Tx) error) error {
	for key, value := range tx.Scan(string(k)) {
		r, err := k.decode(key, value)
		if err != nil {
			return err
		}
		if c := *credentialIn(&r); c != nil && !c.Secret.sealed() {
			*save = append(*save, func(tx Tx) error { return k.put(tx, strings.TrimPrefix(key, string(k)), r) })
		}
	}
	return nil
}
