mod atomic;
mod formats;
mod hostile;
mod merging;
mod opening;
mod peers;
mod writing;
