package main

import (
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Options of a client; times in milliseconds, as in the protocol.
type Options struct {
	Endpoints        []string `json:"endpoints"`
	Namespace        *string  `json:"namespace"`
	UserAgent        string   `json:"user_agent"`
	TimeoutMs        *int64   `json:"timeout_ms"`
	ConnectTimeoutMs *int64   `json:"connect_timeout_ms"`
	MaxRetries       *int     `json:"max_retries"`
	Retry            *struct {
		RetriesMax       *int   `json:"retries_max"`
		BackoffBaseMs    *int64 `json:"backoff_base_ms"`
		BackoffMaxMs     *int64 `json:"backoff_max_ms"`
		AttemptTimeoutMs *int64 `json:"attempt_timeout_ms"`
	} `json:"retry"`
	RetryBudget *struct {
		Ratio   float64 `json:"ratio"`
		Reserve float64 `json:"reserve"`
	} `json:"retry_budget"`
	IdempotencyKeys   *bool  `json:"idempotency_keys"`
	PoolSize          *int   `json:"pool_size"`
	RefreshIntervalMs *int64 `json:"refresh_interval_ms"`
	Parallel          *int   `json:"parallel"`       // of batches, which this client has not
	ExactIntegers     bool   `json:"exact_integers"` // always: numbers are kept as they were written
}

func orElse[T any](given *T, otherwise T) T {
	if given == nil {
		return otherwise
	}
	return *given
}

func ms(value int64) time.Duration { return time.Duration(value) * time.Millisecond }

var (
	headerText = regexp.MustCompile(`^[ -~]*$`)
	keyText    = regexp.MustCompile(`^[!-~]{1,255}$`)
)

// endpointURL is an endpoint without its final slash, or an error if it is none.
func endpointURL(text string) (string, error) {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Hostname() == "" || parsed.User != nil ||
		parsed.RawQuery != "" || parsed.Fragment != "" || strings.ContainsAny(text, " ?#") {
		return "", configurationError("no endpoint: " + strconv.Quote(text))
	}
	if port := parsed.Port(); port != "" {
		if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
			return "", configurationError("no port: " + strconv.Quote(text))
		}
	}
	return strings.TrimRight(text, "/"), nil
}

// NewClient checks the options; it connects to nothing.
func NewClient(options Options) (*Client, error) {
	if len(options.Endpoints) == 0 {
		return nil, configurationError("at least one endpoint is needed")
	}
	for i, endpoint := range options.Endpoints {
		parsed, err := endpointURL(endpoint)
		if err != nil {
			return nil, err
		}
		options.Endpoints[i] = parsed
	}
	client := &Client{
		router:          newRouter(options.Endpoints),
		namespace:       orElse(options.Namespace, "default"),
		userAgent:       strings.TrimRight("themis-go-tiny/0.1.0 "+options.UserAgent, " "),
		timeout:         ms(orElse(options.TimeoutMs, 30_000)),
		refreshInterval: ms(orElse(options.RefreshIntervalMs, 30_000)),
		attemptTimeout:  10 * time.Second,
		backoffBase:     50 * time.Millisecond,
		backoffMax:      2 * time.Second,
		retriesMax:      orElse(options.MaxRetries, 3),
		idempotencyKeys: orElse(options.IdempotencyKeys, true),
		ratio:           0.2, reserve: 20,
		done: make(chan struct{}),
	}
	if retry := options.Retry; retry != nil {
		client.retriesMax = orElse(retry.RetriesMax, 3)
		client.backoffBase = ms(orElse(retry.BackoffBaseMs, 50))
		client.backoffMax = ms(orElse(retry.BackoffMaxMs, 2000))
		client.attemptTimeout = ms(orElse(retry.AttemptTimeoutMs, 10_000))
	}
	if budget := options.RetryBudget; budget != nil {
		client.ratio, client.reserve = budget.Ratio, budget.Reserve
	}
	client.budget = client.reserve
	connectTimeout, poolSize := ms(orElse(options.ConnectTimeoutMs, 5000)), orElse(options.PoolSize, 32)
	switch {
	case wrongInName(client.namespace) >= 0:
		return nil, configurationError("no namespace: " + strconv.Quote(client.namespace))
	case !headerText.MatchString(options.UserAgent):
		return nil, configurationError("user_agent is printable ASCII")
	case client.timeout <= 0 || client.timeout > timeoutMax || client.attemptTimeout <= 0 || connectTimeout <= 0 ||
		client.refreshInterval <= 0 || client.backoffBase < 0 || client.backoffMax < 0:
		return nil, configurationError("times are positive, and a timeout is a day at most")
	case client.retriesMax < 0 || client.ratio < 0 || client.reserve < 0:
		return nil, configurationError("numbers of retries are 0 or more")
	case poolSize < 1 || orElse(options.Parallel, 1) < 1:
		return nil, configurationError("pool_size and parallel are 1 or more")
	}
	dialer := &net.Dialer{Timeout: connectTimeout}
	client.http = &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, DisableCompression: true,
			MaxConnsPerHost: poolSize, MaxIdleConnsPerHost: poolSize,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client, nil
}
