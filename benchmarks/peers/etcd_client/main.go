// The load of durable writes on etcd by gRPC, with etcd's own client. Called with the endpoint, the file of entries (for
// each the lengths of key and value on a line, then both), the number of connections and of writes in flight. It works
// when it is told to: for each line with seconds it writes for that long, and answers with a line of JSON.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

type entry struct{ key, value string }

func main() {
	if len(os.Args) != 5 {
		fail(fmt.Errorf("usage: %s ENDPOINT FILE CONNECTIONS IN_FLIGHT", os.Args[0]))
	}
	entries, err := read(os.Args[2])
	fail(err)
	connections, err := strconv.Atoi(os.Args[3])
	fail(err)
	inFlight, err := strconv.Atoi(os.Args[4])
	fail(err)
	clients := make([]*clientv3.Client, connections)
	for i := range clients {
		clients[i], err = clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}, DialTimeout: 5 * time.Second})
		fail(err)
		defer clients[i].Close()
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		seconds, err := strconv.ParseFloat(strings.TrimSpace(lines.Text()), 64)
		fail(err)
		fmt.Println(write(clients, entries, inFlight, time.Duration(seconds*float64(time.Second))))
	}
}

// read reads all entries of the file.
func read(path string) ([]entry, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader := bufio.NewReader(file)
	var entries []entry
	for {
		var key, value int
		if _, err := fmt.Fscanf(reader, "%d %d\n", &key, &value); err == io.EOF {
			return entries, nil
		} else if err != nil {
			return nil, err
		}
		both := make([]byte, key+value)
		if _, err := io.ReadFull(reader, both); err != nil {
			return nil, err
		}
		entries = append(entries, entry{string(both[:key]), string(both[key:])})
	}
}

// write puts random entries for a while, so many at once, and tells how it went; it ends the program if one fails.
func write(clients []*clientv3.Client, entries []entry, inFlight int, duration time.Duration) string {
	begun := time.Now()
	taken := make([][]time.Duration, inFlight)
	var workers sync.WaitGroup
	for i := range inFlight {
		workers.Add(1)
		go func() {
			defer workers.Done()
			client := clients[i%len(clients)]
			for sent := time.Now(); sent.Sub(begun) < duration; sent = time.Now() {
				drawn := entries[rand.Intn(len(entries))]
				_, err := client.Put(context.Background(), drawn.key, drawn.value)
				fail(err)
				taken[i] = append(taken[i], time.Since(sent))
			}
		}()
	}
	workers.Wait()
	took := time.Since(begun)
	all := slices.Concat(taken...)
	slices.Sort(all)
	return fmt.Sprintf(`{"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d}`,
		len(all), took.Microseconds(), all[len(all)/2].Microseconds(), all[len(all)*99/100].Microseconds())
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
