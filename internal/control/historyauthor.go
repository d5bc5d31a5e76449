package control

import (
	"context"
	"net"
)

// Who makes a change: the user at the other end of the API's socket, or the name of a token.

type authorKey struct{}

// withAuthor notes who is at the other end of a connection to the API.
func withAuthor(ctx context.Context, c net.Conn) context.Context {
	if u, ok := c.(*net.UnixConn); ok {
		if who := peerUser(u); who != "" {
			return context.WithValue(ctx, authorKey{}, &who)
		}
	}
	return ctx
}

// authorOf is who makes changes under ctx; nil: the daemon itself.
func authorOf(ctx context.Context) *string {
	who, _ := ctx.Value(authorKey{}).(*string)
	return who
}
