package control

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// MaxDocument is the longest document that is read, in bytes: one with 1,000 units and 10,000
// views has less than 2 MB.
const MaxDocument = 16 << 20

// documentDepth is how deep values nest in a document; its own do to 6.
const documentDepth = 16

// encode returns d as YAML.
func (d *document) encode() (string, error) {
	text, err := yaml.Dump(d, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		return "", fmt.Errorf("writing the configuration: %w", err)
	}
	return string(text), nil
}

// parseDocument reads one YAML document, strictly: a field that is not known, or is there twice,
// is an error with its line, as is an alias, which the documents have no use for.
func parseDocument(text string) (*document, error) {
	if len(text) > MaxDocument {
		return nil, &Problem{
			Status: http.StatusRequestEntityTooLarge,
			Title:  fmt.Sprintf("the document has %d bytes, more than %d", len(text), MaxDocument),
			Hint:   "Is it the right file?",
		}
	}
	d := new(document)
	limits := loaderlimits.New(loaderlimits.DepthValue(documentDepth), loaderlimits.AliasFunc(noAlias))
	if err := yaml.Load([]byte(text), d, yaml.WithPlugin(limits), yaml.WithKnownFields(), yaml.WithUniqueKeys()); err != nil {
		return nil, illegible(err)
	}
	switch {
	case d.Format == 0:
		return nil, refuse("the document has no line \"lunar: 1\"", "Is it what lunar config export wrote?")
	case d.Format != documentFormat:
		return nil, refuse(fmt.Sprintf("the document has format %d, where this program knows %d", d.Format, documentFormat),
			"Use the program that wrote it, or a newer one.")
	}
	return d, nil
}

func noAlias(aliases, _ int) error {
	if aliases > 0 {
		return errors.New("aliases have no place in it")
	}
	return nil
}

// goType matches what the library says of the program's own types, which mean nothing to the
// reader of an error.
var goType = regexp.MustCompile(` (in|into) (type )?(\[\])?control\.\w+`)

func illegible(err error) *Problem {
	what := oneLine(err)
	if at := new(yaml.LoadError); errors.As(err, &at) {
		what = goType.ReplaceAllString(strings.TrimPrefix(at.Message, "yaml: "), "")
		if at.Mark.Line > 0 {
			what = fmt.Sprintf("line %d: %s", at.Mark.Line, what)
		}
	}
	return &Problem{
		Status: http.StatusBadRequest,
		Title:  "the document cannot be read: " + what,
		Hint:   "lunar config export shows how one is written.",
		cause:  err,
	}
}

// Format prints no secret, whatever the verb.
func (documentSecret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }
