//! A relay that parses nothing: what it costs to bring the bytes through a process at all.
//!
//!     relay WORKERS ADDRESS UPSTREAM [ADDRESS UPSTREAM …]

use std::env;
use std::error::Error;
use std::net::SocketAddr;
use std::thread;

use socket2::{Domain, Socket, Type};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((workers, pairs)) = arguments.split_first() else {
        return Err("relay WORKERS ADDRESS UPSTREAM [ADDRESS UPSTREAM …]".into());
    };
    let mut running = Vec::new();
    for _ in 0..workers.parse()? {
        let pairs = pairs
            .chunks_exact(2)
            .map(|pair| Ok::<_, Box<dyn Error>>((listen(pair[0].parse()?)?, pair[1].parse()?)));
        let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
        running.push(thread::spawn(move || serve(pairs)));
    }
    for worker in running {
        worker.join().map_err(|_| "a worker panicked")?.map_err(|error| format!("{error}"))?;
    }
    Ok(())
}

/// A socket of each worker, among which the kernel spreads connections.
fn listen(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

fn serve(pairs: Vec<(std::net::TcpListener, SocketAddr)>) -> std::io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let mut accepting = JoinSet::new();
        for (socket, upstream) in pairs {
            accepting.spawn(accept(TcpListener::from_std(socket)?, upstream));
        }
        accepting.join_next().await.unwrap_or(Ok(Ok(())))?
    })
}

async fn accept(listener: TcpListener, upstream: SocketAddr) -> std::io::Result<()> {
    loop {
        let (mut client, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut server = TcpStream::connect(upstream).await?;
            client.set_nodelay(true)?;
            server.set_nodelay(true)?;
            copy_bidirectional(&mut client, &mut server).await
        });
    }
}
