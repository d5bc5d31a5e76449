package control

import (
	"context"
	"encoding"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"
)

// openAPIPath is where the description of the API is. It is apart from the routes that it describes.
const openAPIPath = "/v1/openapi.json"

// An openAPI describes the API for programs (OpenAPI 3.1), made of the table of routes and of the
// types that travel.
type openAPI struct {
	OpenAPI    string                          `json:"openapi"`
	Info       openAPIInfo                     `json:"info"`
	Paths      map[string]map[string]operation `json:"paths"` // by path and method
	Components struct {
		Schemas         map[string]*schema        `json:"schemas"`
		SecuritySchemes map[string]securityScheme `json:"securitySchemes"`
	} `json:"components"`
	Security []map[string][]string `json:"security"`
}

type openAPIInfo struct {
	Title   string `json:"title"`
	Version string `json:"version"`
}

type securityScheme struct {
	Type   string `json:"type"`
	Scheme string `json:"scheme"`
}

type operation struct {
	Summary    string             `json:"summary"`
	ID         string             `json:"operationId"`
	Parameters []parameter        `json:"parameters,omitempty"`
	Body       *content           `json:"requestBody,omitempty"`
	Responses  map[string]content `json:"responses"`
}

type parameter struct {
	Name     string  `json:"name"`
	In       string  `json:"in"`
	Required bool    `json:"required"`
	Schema   *schema `json:"schema"`
}

type content struct {
	Description string           `json:"description,omitempty"`
	Content     map[string]media `json:"content"`
}

type media struct {
	Schema *schema `json:"schema"`
}

// A schema describes values (JSON Schema 2020-12).
type schema struct {
	Ref        string             `json:"$ref,omitempty"`
	Type       any                `json:"type,omitempty"` // a word, or words
	Format     string             `json:"format,omitempty"`
	Encoding   string             `json:"contentEncoding,omitempty"`
	Items      *schema            `json:"items,omitempty"`
	Values     *schema            `json:"additionalProperties,omitempty"`
	Properties map[string]*schema `json:"properties,omitempty"`
	Required   []string           `json:"required,omitempty"`
}

// describeAPI describes routes.
func describeAPI(version string) *openAPI {
	a := &openAPI{OpenAPI: "3.1.0", Info: openAPIInfo{"lunar", version}, Paths: make(map[string]map[string]operation)}
	a.Components.Schemas = make(map[string]*schema)
	a.Components.SecuritySchemes = map[string]securityScheme{"token": {"http", "bearer"}}
	a.Security = []map[string][]string{{"token": {}}}
	problem := content{"what is wrong, and the way out (RFC 9457)", map[string]media{"application/problem+json": {a.schemaOf(reflect.TypeFor[Problem]())}}}
	for _, r := range routes {
		o := operation{
			Summary: r.doc,
			ID:      operationID(r.method, r.path),
			Responses: map[string]content{
				"200":     {"done", map[string]media{"application/json": {a.schemaOf(r.answer)}}},
				"default": problem,
			},
		}
		if strings.Contains(r.path, "{name}") {
			o.Parameters = []parameter{{"name", "path", true, &schema{Type: "string"}}}
		}
		if r.ask != nil {
			o.Body = &content{Content: map[string]media{"application/json": {a.schemaOf(r.ask)}}}
		}
		if a.Paths[r.path] == nil {
			a.Paths[r.path] = make(map[string]operation)
		}
		a.Paths[r.path][strings.ToLower(r.method)] = o
	}
	return a
}

// operationID is a name for a route: "postUnitsNameResize".
func operationID(method, path string) string {
	id := strings.ToLower(method)
	for _, word := range strings.FieldsFunc(strings.TrimPrefix(path, "/v1/"), func(c rune) bool { return strings.ContainsRune("/{}-", c) }) {
		id += strings.ToUpper(word[:1]) + word[1:]
	}
	return id
}

// schemaOf describes the values of t as encoding/json writes them. Structures are described once,
// among the components.
func (a *openAPI) schemaOf(t reflect.Type) *schema {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return &schema{Type: "string", Format: "date-time"}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return &schema{Type: "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return a.schemaOf(t.Elem()) // a field that is nil is left out
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Float32, reflect.Float64:
		return &schema{Type: "number"}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 && t.Kind() == reflect.Slice {
			return &schema{Type: "string", Encoding: "base64"}
		}
		items := &schema{Type: "array", Items: a.schemaOf(t.Elem())}
		if t.Kind() == reflect.Slice {
			items.Type = []string{"array", "null"}
		}
		return items
	case reflect.Map:
		return &schema{Type: "object", Values: a.schemaOf(t.Elem())}
	case reflect.Struct:
		return a.structure(t)
	}
	return &schema{Type: "integer"}
}

func (a *openAPI) structure(t reflect.Type) *schema {
	if t.Name() == "" {
		return a.fields(t)
	}
	name := schemaName(t)
	if _, there := a.Components.Schemas[name]; !there {
		a.Components.Schemas[name] = nil // types may contain themselves
		a.Components.Schemas[name] = a.fields(t)
	}
	return &schema{Ref: "#/components/schemas/" + name}
}

// schemaName is what a type is called: of another package, with the package's name, as JobStatus.
func schemaName(t reflect.Type) string {
	if t.PkgPath() == reflect.TypeFor[openAPI]().PkgPath() {
		return t.Name()
	}
	pkg := path.Base(t.PkgPath())
	if strings.EqualFold(pkg, t.Name()) {
		return t.Name()
	}
	return strings.ToUpper(pkg[:1]) + pkg[1:] + t.Name()
}

func (a *openAPI) fields(t reflect.Type) *schema {
	s := &schema{Type: "object", Properties: make(map[string]*schema)}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case f.Anonymous && name == "":
			embedded := f.Type
			if embedded.Kind() == reflect.Pointer {
				embedded = embedded.Elem()
			}
			inner := a.fields(embedded)
			for name, p := range inner.Properties {
				s.Properties[name] = p
			}
			s.Required = append(s.Required, inner.Required...)
		default:
			if name == "" {
				name = f.Name
			}
			s.Properties[name] = a.schemaOf(f.Type)
			if !strings.Contains(options, "omit") {
				s.Required = append(s.Required, name)
			}
		}
	}
	slices.Sort(s.Required)
	return s
}

// serveOpenAPI answers with the description of the API.
func (d *Daemon) serveOpenAPI(w http.ResponseWriter, _ *http.Request) {
	answer(w, describeAPI(d.opts.Version), nil)
}

// OpenAPI returns the description of the API (OpenAPI 3.1).
func (c *Client) OpenAPI(ctx context.Context) (map[string]any, error) {
	return ask[map[string]any](ctx, c, "GET", openAPIPath, nil)
}
