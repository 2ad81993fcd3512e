mod formats;
mod hostile;
mod merging;
mod opening;
mod peers;
