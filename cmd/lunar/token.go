package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// token has the verbs of tokens.
func (c *cli) token() *cobra.Command {
	return c.noun("token", "Tokens: who may use the API from other machines", c.tokenCreate(), c.tokenList(), c.tokenRevoke())
}

// tokenNames completes the names of tokens.
func tokenNames(ctx context.Context, client *control.Client) (names []string) {
	tokens, _ := client.Tokens(ctx) // no daemon, nothing to complete
	for _, t := range tokens {
		names = append(names, t.Name)
	}
	return names
}

func (c *cli) tokenCreate() *cobra.Command {
	var o output
	return o.flag(c.verb("create NAME", "Make a token, and print it this once", func(cmd *cobra.Command, args []string) error {
		t, err := c.client().CreateToken(cmd.Context(), control.TokenCreate{Name: args[0]})
		if err != nil {
			return err
		}
		return c.print(&o, t, func() { c.printf("%s\n", t.Token) })
	}))
}

func (c *cli) tokenList() *cobra.Command {
	var o output
	return o.flag(c.verb("list", "Show the tokens", func(cmd *cobra.Command, _ []string) error {
		list, err := c.client().Tokens(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, list, func() {
			if len(list) == 0 {
				c.printf("no tokens; make one with lunar token create\n")
				return
			}
			rows := [][]string{{"NAME", "CREATED"}}
			for _, t := range list {
				rows = append(rows, []string{t.Name, t.Created.Format("2006-01-02")})
			}
			c.table(rows)
		})
	}))
}

func (c *cli) tokenRevoke() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("revoke NAME", "End a token: it opens nothing any more", func(cmd *cobra.Command, args []string) error {
		t, err := c.client().RevokeToken(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return c.print(&o, t, func() { c.printf("revoked token %s\n", t.Name) })
	}), tokenNames))
}

// openapi prints the description of the API.
func (c *cli) openapi() *cobra.Command {
	return c.verb("openapi", "Print the description of the API (OpenAPI 3.1)", func(cmd *cobra.Command, _ []string) error {
		description, err := c.client().OpenAPI(cmd.Context())
		if err != nil {
			return err
		}
		e := json.NewEncoder(c.stdout)
		e.SetIndent("", "  ")
		return e.Encode(description)
	})
}
