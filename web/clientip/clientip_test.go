package clientip

import (
	"io"
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v2"
)

func TestForwardedAddressesCountOnlyFromTrustedProxies(t *testing.T) {
	// A request that fiber tests comes from 0.0.0.0.
	for _, x := range []struct {
		name      string
		trusted   []string
		forwarded string
		real      string
		want      string
	}{
		{"nobody is trusted", nil, "1.2.3.4", "5.6.7.8", "0.0.0.0"},
		{"another one is trusted", []string{"10.0.0.0/8"}, "1.2.3.4", "5.6.7.8", "0.0.0.0"},
		{"the peer is trusted", []string{"0.0.0.0"}, "1.2.3.4", "5.6.7.8", "1.2.3.4"},
		{"blanks around the address", []string{"0.0.0.0/32"}, "  1.2.3.4 ", "", "1.2.3.4"},
		{"what the client made up stands further left", []string{"0.0.0.0"}, "6.6.6.6, 1.2.3.4", "", "1.2.3.4"},
		{"a chain of trusted proxies", []string{"0.0.0.0", "10.0.0.0/8"}, "1.2.3.4, 10.1.1.1, 10.2.2.2", "", "1.2.3.4"},
		{"trusted ones alone", []string{"0.0.0.0", "10.0.0.0/8"}, "10.1.1.1, 10.2.2.2", "", "10.1.1.1"},
		{"only X-Real-IP", []string{"0.0.0.0"}, "", "5.6.7.8", "5.6.7.8"},
		{"an empty list", []string{"0.0.0.0"}, " , ,", "5.6.7.8", "5.6.7.8"},
		{"nothing said", []string{"0.0.0.0"}, "", "", "0.0.0.0"},
	} {
		t.Run(x.name, func(t *testing.T) {
			p, err := Parse(x.trusted)
			if err != nil {
				t.Fatal(err)
			}
			app := fiber.New(fiber.Config{Immutable: true})
			app.Get("/", func(c *fiber.Ctx) error { return c.SendString(p.Of(c)) })
			req := httptest.NewRequest("GET", "/", nil)
			if x.forwarded != "" {
				req.Header.Set("X-Forwarded-For", x.forwarded)
			}
			if x.real != "" {
				req.Header.Set("X-Real-IP", x.real)
			}
			resp, err := app.Test(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if b, _ := io.ReadAll(resp.Body); string(b) != x.want {
				t.Fatalf("got %s, want %s", b, x.want)
			}
		})
	}
}

func TestAProxyThatIsNoAddressIsRefused(t *testing.T) {
	if _, err := Parse([]string{"10.0.0.1", "proxy.local"}); err == nil {
		t.Fatal("accepted")
	}
}
